public import Records

/// Takes what ``Probe/poll(_:)`` reads.
public protocol ProbeRecordSink: ~Copyable {
    /// A packet that a task handed to the network stack.
    ///
    /// - Parameters:
    ///   - bytes: the packet from its IP header on, cut to the snap length; valid during the call.
    ///   - originalLength: its whole length from the IP header on.
    mutating func send(_ record: SendRecord, bytes: RawSpan, originalLength: Int)
    /// A packet that was forwarded, or that the kernel made.
    mutating func wire(_ record: WireRecord, bytes: RawSpan, originalLength: Int)
    /// A process that began, changed or ended.
    mutating func process(_ record: ProcessRecord)
    /// Records of one kind that did not fit into their ring buffer.
    mutating func lost(_ interval: LossInterval)
}
