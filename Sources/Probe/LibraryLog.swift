internal import CLibBPF
internal import Glibc
internal import Synchronization

/// What libbpf says. It is silent unless somebody listens.
enum LibraryLog {
    typealias Listener = @Sendable (String) -> Void

    private static let listener = Mutex<Listener?>(nil)

    static func install() {
        _ = unsafe libbpf_set_print { level, format, arguments in
            let listener = LibraryLog.listener.withLock { $0 }
            guard let listener, level != LIBBPF_DEBUG, let format = unsafe format, let arguments = unsafe arguments
            else { return 0 }
            // A verifier log has many lines; the last ones tell.
            var buffer = [CChar](repeating: 0, count: 65_536)
            let length = unsafe vsnprintf(&buffer, buffer.count, format, arguments)
            let bytes = buffer.prefix(max(0, min(Int(length), buffer.count - 1))).map { UInt8(bitPattern: $0) }
            listener(String(decoding: bytes, as: UTF8.self))
            return length
        }
    }

    static func setListener(_ new: Listener?) {
        listener.withLock { $0 = new }
    }
}
