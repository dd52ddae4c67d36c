import Platform
import SystemPackage

/// What ends a run that watches this machine: a signal, `--duration`, or the end of COMMAND.
struct StopCondition {
    private var interruption: Interruption
    private let duration: Double?
    private var deadline: UInt64?
    private var child: ChildCommand?
    /// The exit status of COMMAND, once it has ended by itself.
    private(set) var commandStatus: Int32?

    /// - Parameter duration: seconds from the start.
    init(_ interruption: Interruption, duration: Double?) {
        self.interruption = interruption
        self.duration = duration
    }

    /// Everything is attached: the duration begins, and COMMAND if there is one.
    mutating func start(_ words: [String]) throws(CommandFailure) {
        deadline = duration.map { monotonicClock() + UInt64(min($0, 1e9) * 1e9) }
        guard let name = words.first else { return }
        do { child = try ChildCommand(words) } catch {
            throw CommandFailure(ExitStatus.noInput, "cannot start \(name): \(error)")
        }
    }

    /// Whether the run is to end now. Never waits.
    mutating func isMet() -> Bool {
        var stop = false
        while let event = interruption.next() {
            switch event {
            case .stop: stop = true
            case .child:
                if let status = child?.poll() {
                    commandStatus = status
                    child = nil
                    stop = true
                }
            }
        }
        if let deadline, monotonicClock() >= deadline { stop = true }
        return stop
    }

    /// Ends COMMAND if it still runs: it was started for this run.
    mutating func endCommand() {
        child?.terminate()
        child = nil
    }
}
