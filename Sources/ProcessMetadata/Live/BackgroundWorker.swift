internal import Synchronization

/// Does jobs one after the other on a thread of its own, beside the packet path.
///
/// A job may have to wait for as long as somebody else likes (memory under userfaultfd, a file of a FUSE server). After
/// some patience its thread is left to it and another one goes on with the rest.
final class BackgroundWorker<Job: Sendable, Answer: Sendable>: Sendable {
    private struct State {
        var urgent: [Job] = []
        var patient: [Job] = []
        var answers: [Answer] = []
        /// The thread whose turn it is; another number than a thread's own tells it to end.
        var turn = 0
        var isRunning = false
        /// When the job under way began, nanoseconds of the boot clock.
        var since: Int64 = 0
        /// Threads that were left to their jobs and have not come back.
        var abandoned = 0
    }

    private let queueLimit: Int
    private let patience: Int64
    private let standsBack: Bool
    private let work: @Sendable (Job) -> Answer?
    private let state = Mutex(State())

    /// Threads that may be left to jobs that do not end.
    private static var abandonedLimit: Int { 8 }

    /// A worker without a thread: one is started with the first job and ends when nothing waits.
    ///
    /// - Parameters:
    ///   - queueLimit: jobs that may wait at once.
    ///   - patience: nanoseconds after which the next job no longer waits for the one under way.
    ///   - standsBack: the jobs are long, and the packet path goes first where there is not processor enough for both.
    ///   - work: what is done; nil for no answer.
    init(
        queueLimit: Int, patience: Int64 = 2_000_000_000, standsBack: Bool = false,
        work: @escaping @Sendable (Job) -> Answer?
    ) {
        self.queueLimit = queueLimit
        self.patience = patience
        self.standsBack = standsBack
        self.work = work
    }

    /// Hands over a job; false where too many wait already.
    func request(_ job: Job) -> Bool {
        let (isAccepted, turn) = state.withLock { state in
            guard state.urgent.count < queueLimit else { return (false, takeTurn(&state)) }
            state.urgent.append(job)
            return (true, takeTurn(&state))
        }
        if let turn { run(turn) }
        return isAccepted
    }

    /// Hands over jobs that are done when nothing urgent waits, whatever their number.
    func requestLater(_ jobs: [Job]) {
        let turn = state.withLock { state in
            // They are taken from the end.
            state.patient = jobs.reversed() + state.patient
            return takeTurn(&state)
        }
        if let turn { run(turn) }
    }

    /// What came of the jobs since the last call.
    func takeAnswers() -> [Answer] {
        let (answers, turn) = state.withLock { state in
            defer { state.answers = [] }
            return (state.answers, takeTurn(&state))
        }
        if let turn { run(turn) }
        return answers
    }

    /// Nothing waits and nothing is under way.
    var isIdle: Bool { state.withLock { !$0.isRunning } }

    /// The number of a thread to start: where jobs wait and none is at them, or one is at the same job for too long.
    private func takeTurn(_ state: inout State) -> Int? {
        guard !state.urgent.isEmpty || !state.patient.isEmpty else { return nil }
        if state.isRunning {
            guard state.abandoned < Self.abandonedLimit, SystemCalls.clocks().boot - state.since > patience else {
                return nil
            }
            state.abandoned += 1
        }
        state.isRunning = true
        state.turn += 1
        state.since = SystemCalls.clocks().boot
        return state.turn
    }

    private func run(_ turn: Int) {
        // Not a task: what waits in there must not take a thread of the pool along.
        let isStarted = SystemCalls.startThread { [self] in
            if standsBack { SystemCalls.standBack() }
            while let job = nextJob(turn) {
                let answer = work(job)
                state.withLock { state in
                    if let answer { state.answers.append(answer) }
                }
            }
        }
        if !isStarted {
            state.withLock { state in
                if state.turn == turn { state.isRunning = false }
            }
        }
    }

    private func nextJob(_ turn: Int) -> Job? {
        state.withLock { state in
            guard state.turn == turn else {
                state.abandoned -= 1
                return nil
            }
            state.since = SystemCalls.clocks().boot
            if !state.urgent.isEmpty { return state.urgent.removeFirst() }
            if let job = state.patient.popLast() { return job }
            state.isRunning = false
            return nil
        }
    }
}
