import NIOSSL
import Settings

/// A server's certificate and key, read and found to belong together.
struct TLSSetup: Sendable {
    let configuration: TLSConfiguration

    /// - Throws: which file is not usable, and why.
    init(_ files: TLSFiles) throws(APIServiceError) {
        let key = try Self.use(files.keyPath, isSecret: true) { text in
            try NIOSSLPrivateKey(bytes: text, format: .pem)
        }
        configuration = try Self.use(files.certificatePath, isSecret: false) { text in
            let chain = try NIOSSLCertificate.fromPEMBytes(text)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(key)
            )
            configuration.minimumTLSVersion = .tlsv12
            // So that a key of another certificate is found now, and not by the first client.
            _ = try NIOSSLContext(configuration: configuration)
            return configuration
        }
    }

    private static func use<Result>(
        _ path: String,
        isSecret: Bool,
        _ body: ([UInt8]) throws -> Result
    ) throws(APIServiceError) -> Result {
        do {
            return try body(Array(try SmallFile.read(path, isSecret: isSecret).utf8))
        } catch let refusal as SmallFile.Refusal {
            throw .tls(path: path, reason: refusal.reason)
        } catch {
            throw .tls(path: path, reason: "it is no PEM that belongs here (\(error))")
        }
    }
}
