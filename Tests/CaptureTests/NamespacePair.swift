import Foundation
import Glibc

/// Two network namespaces with a veth pair between them, removed at the end whatever happened.
final class NamespacePair {
    let near: String
    let far: String
    /// The interface in the near namespace: 192.0.2.1/24 and 2001:db8::1/64; the far one has .2.
    let interface = "wsc0"

    init() throws {
        let suffix = UUID().uuidString.prefix(8).lowercased()
        near = "wsc-\(suffix)-a"
        far = "wsc-\(suffix)-b"
        do {
            for commands in [
                "netns add \(near)", "netns add \(far)",
                "-n \(near) link add wsc0 type veth peer name wsc1 netns \(far)",
                "-n \(near) addr add 192.0.2.1/24 dev wsc0", "-n \(far) addr add 192.0.2.2/24 dev wsc1",
                "-n \(near) addr add 2001:db8::1/64 dev wsc0 nodad", "-n \(far) addr add 2001:db8::2/64 dev wsc1 nodad",
                "-n \(near) link set lo up", "-n \(near) link set wsc0 up", "-n \(far) link set wsc1 up",
            ] {
                try Self.ip(commands)
            }
        } catch {
            remove()
            throw error
        }
    }

    deinit { remove() }

    private func remove() {
        for name in [near, far] { _ = try? run(["ip", "netns", "del", name]) }
    }

    struct Failure: Error {
        var command: String
    }

    static func ip(_ arguments: String) throws {
        guard try run(["ip"] + arguments.split(separator: " ").map(String.init)).status == 0 else {
            throw Failure(command: "ip \(arguments)")
        }
    }

    /// Runs `body` in the near namespace on a thread of its own that ends with it: namespaces belong to threads, and
    /// the test runner's threads must stay where they are.
    func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let path = "/var/run/netns/\(near)"
        let box = ResultBox<Value>()
        let thread = Thread {
            box.result = Result {
                let file = try FileHandle(forReadingFrom: URL(filePath: path))
                guard enterNetworkNamespace(file.fileDescriptor) else { throw Failure(command: "setns \(path)") }
                return try body()
            }
            box.done.signal()
        }
        thread.start()
        box.done.wait()
        return try box.result?.get() ?? { throw Failure(command: "thread") }()
    }
}

/// Hands a result from one thread to another, which waits for the signal before it looks.
private final class ResultBox<Value>: @unchecked Sendable {
    let done = DispatchSemaphore(value: 0)
    var result: Result<Value, any Error>?
}

/// `setns`, which Swift's C library module does not show.
private func enterNetworkNamespace(_ descriptor: CInt) -> Bool {
    typealias SetNamespace = @convention(c) (CInt, CInt) -> CInt
    let cloneNewNetwork: CInt = 0x4000_0000
    guard let library = unsafe dlopen(nil, RTLD_NOW), let symbol = unsafe dlsym(library, "setns") else { return false }
    return unsafe unsafeBitCast(symbol, to: SetNamespace.self)(descriptor, cloneNewNetwork) == 0
}

/// Live tests need to make namespaces and to capture; without that they are skipped, unless the run insists.
enum LivePrivilege {
    static let isGranted: Bool = {
        if ProcessInfo.processInfo.environment["WHOSENT_REQUIRE_BPF"] == "1" { return true }
        guard geteuid() == 0 else { return false }
        return (try? NamespacePair()) != nil
    }()
}
