import CLinux
import Glibc

extension Endpoint {
    /// Refuses a path that is not free for a new socket.
    ///
    /// The library removes whatever is there before it binds: a live process would lose its
    /// connections to come without a word, and a file its content.
    func requireFreePath() throws(MessagingError) {
        guard case .ipc(let path) = transport else { return }
        switch unsafe moiety_local_socket_state(path) {
        case 0: throw .addressInUse(self)
        case ENOTSOCK:
            throw .endpointRefused(
                self,
                operation: "bind",
                reason: "a file that is no socket is there; remove it or choose another path"
            )
        // Free, left behind, or for the library to say what is wrong with it.
        default: return
        }
    }
}
