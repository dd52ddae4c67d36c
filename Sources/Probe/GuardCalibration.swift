internal import CAttributionEvents
internal import CLinux
internal import Glibc

/// Whether it can be proven that the current task is a packet's sender.
public struct GuardState: Sendable, Hashable {
    /// Records can be `verified`.
    public let isWorking: Bool
    /// How it was found out, or what is missing: a sentence.
    public let detail: String
}

/// Finds where the kernel saves a system call's registers.
///
/// That depends on the architecture, the stack's size (KASAN doubles it) and paddings, and no type information tells. So
/// the tool sends itself datagrams through descriptors that it knows, and a candidate counts where the registers read
/// there name the very call and descriptor, every time.
struct GuardCalibration: ~Copyable {
    /// Ends of `struct pt_regs`, in bytes from the stack's begin: stack sizes, less the padding of CONFIG_X86_FRED.
    private static let candidates: [UInt64] = [16_384, 32_768, 65_536, 8_192].flatMap { [$0, $0 - 16] }
    private static let trials = 11

    private let shared: SharedMemory

    init(_ object: borrowing AttributionObject) throws(ProbeError) {
        shared = try SharedMemory(object)
        unsafe withUnsafeMutableBytes(of: &shared.content.pointee.calibration.candidates) { memory in
            for (index, candidate) in Self.candidates.enumerated() {
                unsafe memory.storeBytes(
                    of: candidate, toByteOffset: index * MemoryLayout<UInt64>.stride, as: UInt64.self)
            }
        }
    }

    /// Sends, compares, and tells the programs the layout; the calibrating program must be attached.
    func run() -> GuardState {
        var state = GuardState(isWorking: false, detail: "No thread could be started to calibrate the check.")
        _ = DedicatedThread.run {
            // A network of its own: no capture sees these datagrams, and loopback can be up where the caller's is not.
            let isolated = unshare(CLONE_NEWNET) == 0
            state = measure(isolated: isolated)
        }
        unsafe shared.content.pointee.calibration.socket_cookie = 0
        return state
    }

    private func measure(isolated: Bool) -> GuardState {
        let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        guard number >= 0 else { return .failed("a socket could not be opened: \(ProbeError.message(errno))") }
        let descriptor = OwnedDescriptor(number)
        if isolated { LoopbackInterface.bringUp(descriptor) }
        guard connectToItself(descriptor), let cookie = cookie(descriptor) else {
            return .failed("the loopback interface could not be used: \(ProbeError.message(errno))")
        }
        unsafe shared.content.pointee.calibration.socket_cookie = cookie
        var remaining = Set(Self.candidates.indices)
        for trial in 0..<Self.trials {
            guard let sent = send(from: descriptor, trial: trial) else {
                return .failed("a datagram could not be sent over loopback: \(ProbeError.message(errno))")
            }
            guard unsafe shared.content.pointee.calibration.packets == UInt64(trial) + 1 else {
                return .failed("the BPF program did not see a datagram sent over loopback")
            }
            remaining = remaining.filter { agrees(candidate: $0, with: sent) }
        }
        return conclude(remaining)
    }

    private func conclude(_ remaining: Set<Int>) -> GuardState {
        guard remaining.count == 1, let index = remaining.first else {
            return .failed(
                remaining.isEmpty
                    ? "no known layout of the saved registers agrees" : "several layouts of the saved registers agree")
        }
        let size = unsafe shared.content.pointee.calibration.registers_size
        let offset = Self.candidates[index] - size
        unsafe shared.content.pointee.registers_offset = offset
        return GuardState(
            isWorking: true,
            detail: "The sender's system call is read \(offset) bytes into its kernel stack; \(Self.trials) of "
                + "\(Self.trials) test datagrams agreed.")
    }

    private func agrees(candidate: Int, with sent: (call: UInt64, descriptor: UInt64)) -> Bool {
        let stride = MemoryLayout<attribution_answer>.stride
        let answer = unsafe withUnsafeBytes(of: shared.content.pointee.calibration.answers) { memory in
            unsafe memory.load(fromByteOffset: candidate * stride, as: attribution_answer.self)
        }
        return answer.call == sent.call && answer.descriptor == sent.descriptor && answer.matches == 1
    }

    /// Sends one datagram through another descriptor of the same socket each time, by two kinds of call.
    private func send(from socket: borrowing OwnedDescriptor, trial: Int) -> (call: UInt64, descriptor: UInt64)? {
        let number = fcntl(socket.number, F_DUPFD_CLOEXEC, CInt(32 + 7 * trial))
        guard number >= 0 else { return nil }
        let copy = OwnedDescriptor(number)
        var payload: UInt8 = 0
        let useWrite = trial % 2 == 1
        let sent =
            useWrite
            ? unsafe write(copy.number, &payload, 1) : unsafe sendto(copy.number, &payload, 1, 0, nil, 0)
        guard sent == 1 else { return nil }
        return (UInt64(useWrite ? __NR_write : __NR_sendto), UInt64(number))
    }

    private func connectToItself(_ socket: borrowing OwnedDescriptor) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = socket.number
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(number, generic, size) == 0 && getsockname(number, generic, &size) == 0
                    && connect(number, generic, size) == 0
            }
        }
    }

    private func cookie(_ socket: borrowing OwnedDescriptor) -> UInt64? {
        var cookie: UInt64 = 0
        var size = socklen_t(MemoryLayout<UInt64>.size)
        return unsafe getsockopt(socket.number, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : nil
    }
}

extension GuardState {
    fileprivate static func failed(_ reason: String) -> GuardState {
        GuardState(
            isWorking: false,
            detail: "The sender cannot be checked against its system call, so verdicts stay below exact: \(reason).")
    }
}

/// The loopback interface of the calling thread's network namespace.
enum LoopbackInterface {
    static func bringUp(_ socket: borrowing OwnedDescriptor) {
        var request = unsafe ifreq()
        unsafe withUnsafeMutableBytes(of: &request) { memory in
            unsafe memory.copyBytes(from: "lo".utf8)
            // netdevice(7): the flags follow the name.
            unsafe memory.storeBytes(of: Int16(IFF_UP), toByteOffset: Int(IFNAMSIZ), as: Int16.self)
        }
        _ = unsafe ioctl(socket.number, UInt(SIOCSIFFLAGS), &request)
    }
}
