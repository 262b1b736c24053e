import Hummingbird
import JSON
import NIOCore

/// Takes a request's body, within its bounds of size and time.
struct BodyReader {
    let limits: APILimits

    /// The request with its whole body, and the body as a value.
    func read(_ request: Request) async throws(APIError) -> (Request, JSONValue) {
        let (request, bytes) = try await collect(request)
        do throws(JSONError) {
            return (request, try JSONValue(parsing: bytes))
        } catch {
            throw .json(error)
        }
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
