import Records

/// The sender of the last record: senders come in bursts, and to ask of each of a burst's packets whether its process has
/// to be looked at would cost a tenth of what recording the packet does.
struct LastSender {
    /// Nanoseconds for which a sender needs no question.
    private static let span: Int64 = 100_000_000

    private var process = ProcessKey(pid: 0, startTime: 0)
    private var imageVersion: UInt32 = 0
    private var cgroup: UInt64 = 0
    private var until = Timestamp.distantPast

    /// Whether a record is another sender's, or the last question is too old; then this one is the last.
    mutating func isAnother(_ record: SendRecord) -> Bool {
        if record.time < until, record.process == process, record.imageVersion == imageVersion, record.cgroup == cgroup
        {
            return false
        }
        process = record.process
        imageVersion = record.imageVersion
        cgroup = record.cgroup
        until = record.time.advanced(by: Self.span)
        return true
    }
}
