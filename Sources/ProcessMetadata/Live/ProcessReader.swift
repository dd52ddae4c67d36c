internal import Records

/// Reads processes from procfs and hashes their images beside the packet path: a process can make a look at its command
/// line wait for as long as it likes (userfaultfd), and that must hold up nobody but the looker.
final class ProcessReader: Sendable {
    /// What came of a look.
    struct Answer: Sendable {
        /// The process that was asked for by its key.
        var asked: ProcessKey?
        /// What was read; nil where the process was gone.
        var reading: ProcFS.Reading?
        /// The id of the process's v2 cgroup.
        var cgroup: UInt64?
        /// Another answer about the same look follows, with the hash of the image.
        var isHashing = false
        /// The cgroup that was asked for by its id, and its path.
        var namedCgroup: (id: UInt64, path: String)?
    }

    private enum Job {
        case process(pid: UInt32)
        case asked(ProcessKey)
        case cgroup(UInt64)
    }

    private struct Hashing {
        var answer: Answer
        var image: RunningImage
    }

    private let procfs: ProcFS
    private let looking: BackgroundWorker<Job, Answer>
    private let hashing: BackgroundWorker<Hashing, Answer>

    /// Images that wait for their hash, each an open file.
    private static let hashingLimit = 64

    init(procfs: ProcFS, cgroups: CgroupHierarchy?, queueLimit: Int) {
        self.procfs = procfs
        let images = ImageHashing()
        let hashing = BackgroundWorker<Hashing, Answer>(
            queueLimit: Self.hashingLimit, patience: 2 * ImageHashing.timeLimit, standsBack: true
        ) { job in
            let digest = images.digest(job.image) { job.answer.reading.map(procfs.stillRuns) ?? false }
            var answer = job.answer
            answer.reading?.record.image?.sha256 = digest
            return answer
        }
        self.hashing = hashing
        looking = BackgroundWorker(queueLimit: queueLimit) { job in
            switch job {
            case .cgroup(let id): cgroups?.path(ofID: id).map { Answer(namedCgroup: (id, $0)) }
            case .process(let pid): Self.look(procfs, cgroups, pid: pid, asked: nil)?.answer
            case .asked(let key):
                Self.answer(key, look: Self.look(procfs, cgroups, pid: key.pid, asked: key), images, hashing)
            }
        }
    }

    private static func look(_ procfs: ProcFS, _ cgroups: CgroupHierarchy?, pid: UInt32, asked: ProcessKey?)
        -> (answer: Answer, image: RunningImage?)?
    {
        let expected = asked.flatMap { $0.startTime == 0 ? nil : $0 }
        let now = { Timestamp(nanoseconds: SystemCalls.clocks().wall) }
        guard let reading = procfs.read(pid: pid, expected: expected, opensImage: asked != nil, time: now) else {
            return nil
        }
        var answer = Answer(asked: asked, reading: reading)
        answer.reading?.image = nil
        answer.cgroup = reading.unifiedCgroup.flatMap { cgroups?.id(ofPath: $0) }
        return (answer, reading.image)
    }

    /// The answer with the hash, where that is known; else the hash follows.
    private static func answer(
        _ key: ProcessKey, look: (answer: Answer, image: RunningImage?)?, _ images: ImageHashing,
        _ hashing: BackgroundWorker<Hashing, Answer>
    ) -> Answer {
        guard let look else { return Answer(asked: key) }
        var answer = look.answer
        guard let image = look.image else { return answer }
        switch images.known(image.signature) {
        case .digest(let text): answer.reading?.record.image?.sha256 = text
        case .refused: break
        case nil: answer.isHashing = hashing.request(Hashing(answer: answer, image: image))
        }
        return answer
    }

    /// Asks for a process and its image's hash; false where too many wait already.
    func request(_ key: ProcessKey) -> Bool { looking.request(.asked(key)) }

    /// Asks for every process there is, without hashes.
    func requestAll() { looking.requestLater(procfs.processes().map { .process(pid: $0) }) }

    /// Asks for the path of a cgroup; false where too many wait already.
    func requestCgroup(_ id: UInt64) -> Bool { looking.request(.cgroup(id)) }

    /// What was read since the last call.
    func takeAnswers() -> [Answer] {
        // Looks first: a hash never comes before the look that it belongs to.
        let looks = looking.takeAnswers()
        return looks + hashing.takeAnswers()
    }

    /// Nothing waits to be read and nothing is being read.
    var isIdle: Bool { looking.isIdle }
}
