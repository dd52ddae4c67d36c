import Records

/// What was written of the senders lately, so that it can be completed: a process is described with the first packet it
/// sends, and what procfs tells of it comes some milliseconds later.
struct DescribedSenders {
    /// What a send record says of its sender.
    struct Sending {
        var process: ProcessKey
        var imageVersion: UInt32
        var time: Timestamp
        var user: UInt32?
        var group: UInt32?
        var cgroup: UInt64

        init(_ record: SendRecord) {
            process = record.process
            imageVersion = record.imageVersion
            time = record.time
            user = record.user
            group = record.group
            cgroup = record.cgroup
        }
    }

    private struct Entry {
        /// What the last description is about.
        var written: Sending
        var digest: Int
        var isNamed: Bool
        /// The packet that had the process looked at again.
        var lookedAt: Sending?
    }

    /// Processes that were described longest ago are not completed any more.
    private static let limit = 16_384
    private var entries: [ProcessKey: Entry] = [:]

    /// Notes that an image was described for the first time.
    mutating func insert(_ sending: Sending, _ description: ProcessDescription) {
        if entries.count >= Self.limit { entries.removeAll(keepingCapacity: true) }
        entries[sending.process] = Entry(
            written: sending, digest: description.hashValue, isNamed: description.name != nil)
    }

    /// A process that sent before the kernel's record of it came in: records of several processors can pass each other.
    func lacksName(_ process: ProcessKey) -> Bool { entries[process]?.isNamed == false }

    /// Notes that a packet had a described process looked at again.
    mutating func lookedAt(_ sending: Sending) { entries[sending.process]?.lookedAt = sending }

    /// The moments for which the process may have to be described again.
    func sendings(_ process: ProcessKey) -> [Sending] {
        guard let entry = entries[process] else { return [] }
        return [entry.written] + (entry.lookedAt.map { [$0] } ?? [])
    }

    /// The processes that sent from some cgroups.
    func processes(inCgroups cgroups: Set<UInt64>) -> Set<ProcessKey> {
        guard !cgroups.isEmpty else { return [] }
        return Set(entries.lazy.filter { cgroups.contains($0.value.written.cgroup) }.map(\.key))
    }

    /// Whether a description is another than the one written last; then it becomes that.
    mutating func isNew(_ description: ProcessDescription, of sending: Sending) -> Bool {
        let digest = description.hashValue
        guard let entry = entries[sending.process], entry.digest != digest else { return false }
        entries[sending.process]?.digest = digest
        entries[sending.process]?.written = sending
        entries[sending.process]?.isNamed = description.name != nil
        return true
    }
}
