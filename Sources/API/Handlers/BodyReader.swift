import Hummingbird
import JSON
import NIOCore
import Requests

/// Takes a request's body, within its bounds of size and time.
struct BodyReader {
    let limits: APILimits

    /// The request with its whole body, and what the body asks for.
    func read<Wish>(
        _ request: Request,
        as make: (JSONValue) throws(BodyError) -> Wish
    ) async throws(APIError) -> (Request, Wish) {
        let (request, bytes) = try await collect(request)
        return (request, try Self.wish(of: bytes, as: make))
    }

    private static func wish<Wish>(
        of bytes: [UInt8],
        as make: (JSONValue) throws(BodyError) -> Wish
    ) throws(APIError) -> Wish {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw .body(.json(error))
        }
        return try APIError.ofBody { () throws(BodyError) in try make(value) }
    }

    private func collect(_ request: Request) async throws(APIError) -> (Request, [UInt8]) {
        let limit = limits.bodyByteCount
        if let text = request.headers[.contentLength], let count = Int(text), count > limit {
            throw .bodyTooLarge(limit: limit)
        }
        do {
            let (whole, buffer) = try await withThrowingTaskGroup(
                of: (Request, ByteBuffer)?.self
            ) { group in
                group.addTask {
                    var request = request
                    let buffer = try await request.collectBody(upTo: limit)
                    return (request, buffer)
                }
                group.addTask {
                    try await Task.sleep(for: limits.bodyTime)
                    return nil
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let first else {
                    throw APIError.bodyTooSlow
                }
                return first
            }
            return (whole, Array(buffer.readableBytesView))
        } catch let error as APIError {
            throw error
        } catch is NIOTooManyBytesError {
            throw .bodyTooLarge(limit: limit)
        } catch {
            // The connection is gone, so nobody reads this.
            throw .failed("the body could not be read: \(error)")
        }
    }
}
