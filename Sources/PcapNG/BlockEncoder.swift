public import Records

/// Builds pcapng blocks, little-endian, at the end of one byte buffer.
///
/// Interfaces and process event blocks are numbered as they are appended; a packet may name only what came before it.
/// Time stamps are nanoseconds; a moment before 1970 is written as 1970, which the format cannot express otherwise.
public struct BlockEncoder: Sendable {
    /// An option's value is at most this long: its length has 16 bits.
    public static let optionLimit = 65_535

    /// The blocks so far: always whole ones.
    public private(set) var bytes: [UInt8] = []
    /// How many interfaces the section describes so far.
    public private(set) var interfaceCount: UInt32 = 0
    /// How many process event blocks the section holds so far.
    public private(set) var processCount: UInt32 = 0

    /// An empty buffer.
    public init() {}

    /// Forgets the blocks, keeps the numbering and the storage.
    public mutating func removeBlocks() { bytes.removeAll(keepingCapacity: true) }

    /// Appends a section header of unstated length and starts numbering from 0.
    public mutating func section(_ header: SectionHeader, comments: [[UInt8]] = []) {
        interfaceCount = 0
        processCount = 0
        block(BlockType.sectionHeader) { block in
            block.append(UInt32(0x1A2B_3C4D))
            block.append(UInt16(1))
            block.append(UInt16(0))
            block.append(UInt64.max)
            block.comments(comments)
            block.option(OptionCode.Section.hardware, header.hardware)
            block.option(OptionCode.Section.operatingSystem, header.operatingSystem)
            block.option(OptionCode.Section.application, header.application)
        }
    }

    /// Appends an interface with nanosecond time stamps, whatever resolution the value says.
    ///
    /// - Returns: its index.
    @discardableResult
    public mutating func interface(_ interface: InterfaceDescription) -> UInt32 {
        block(BlockType.interfaceDescription) { block in
            block.append(interface.linkType)
            block.append(UInt16(0))
            block.append(interface.snapLength)
            block.option(OptionCode.Interface.name, interface.name)
            block.option(OptionCode.Interface.summary, interface.summary)
            block.append(OptionCode.Interface.timestampResolution)
            block.append(UInt16(1))
            block.append(UInt32(TimestampResolution.nanoseconds.code))
        }
        interfaceCount += 1
        return interfaceCount - 1
    }

    /// Appends a packet as an enhanced packet block.
    ///
    /// - Parameters:
    ///   - packet: what is said about it; `dropCount`, `queue` and `effectiveProcessIndex` are not written.
    ///   - header: bytes before the captured ones, which count as captured.
    ///   - data: the captured bytes.
    ///   - comment: UTF-8, at most ``optionLimit`` bytes, the rest is cut off; empty for none.
    public mutating func packet(_ packet: PacketBlock, header: [UInt8] = [], _ data: RawSpan, comment: RawSpan) {
        var options = PacketOptionBytes()
        options.append(packet)
        let text = comment.isEmpty ? 0 : 4 + Self.padded(min(comment.byteCount, Self.optionLimit))
        let ending = options.count + text > 0 ? 4 : 0
        let captured = header.count + data.byteCount
        let length = 32 + Self.padded(captured) + text + options.count + ending
        appendPacketHead(packet, captured: captured, length: UInt32(length))
        if !header.isEmpty { bytes.append(contentsOf: header) }
        bytes.append(data)
        pad(captured)
        if !comment.isEmpty { option(OptionCode.comment, comment.extracting(first: Self.optionLimit)) }
        bytes.append(littleEndian: options.words, first: options.wordCount)
        if ending > 0 { append(UInt32(0)) }
        append(UInt32(length))
    }

    /// The packet's block that begins at `start`, to be appended again with other bytes.
    ///
    /// - Parameter captured: how many bytes of it are captured.
    public func repeatablePacket(from start: Int, captured: Int) -> RepeatablePacket {
        RepeatablePacket(block: bytes.rawSpan.extracting(start..<bytes.count).array, captured: captured)
    }

    /// Appends a packet that differs from another in its time and its captured bytes alone, which is several times
    /// cheaper than to build its block anew.
    ///
    /// - Parameter data: as many bytes as the other packet has.
    public mutating func packet(_ packet: RepeatablePacket, time: Timestamp, _ data: RawSpan) {
        let start = bytes.count
        bytes.append(packet.block.rawSpan)
        let ticks = UInt64(max(0, time.nanoseconds))
        let halves: InlineArray<2, UInt32> = [
            UInt32(ticks >> 32).littleEndian, UInt32(truncatingIfNeeded: ticks).littleEndian,
        ]
        bytes.replace(from: start + Self.timeOffset, with: unsafe halves.span.bytes)
        bytes.replace(from: start + Self.dataOffset, with: data.extracting(first: packet.captured))
    }

    /// Of an enhanced packet block: behind type, length and interface; and behind both lengths too.
    private static let timeOffset = 12
    private static let dataOffset = 28

    private mutating func appendPacketHead(_ packet: PacketBlock, captured: Int, length: UInt32) {
        let ticks = UInt64(max(0, packet.time?.nanoseconds ?? 0))
        let head: InlineArray<7, UInt32> = [
            BlockType.enhancedPacket, length, UInt32(packet.interface), UInt32(ticks >> 32),
            UInt32(truncatingIfNeeded: ticks), UInt32(captured), UInt32(max(packet.originalLength, captured)),
        ]
        bytes.append(littleEndian: head, first: head.count)
    }

    private static func padded(_ count: Int) -> Int { (count + 3) & ~3 }

    /// Appends a process event block.
    ///
    /// - Returns: its index: what ``PacketBlock/processIndex`` names.
    @discardableResult
    public mutating func processEvent(
        processID: UInt32, name: String?, path: String?, comments: [[UInt8]]
    ) -> UInt32 {
        block(BlockType.processEvent) { block in
            block.append(processID)
            block.comments(comments)
            block.option(OptionCode.ProcessEvent.name, name)
            block.option(OptionCode.ProcessEvent.path, path)
        }
        processCount += 1
        return processCount - 1
    }

    /// Appends counters of an interface.
    public mutating func statistics(_ statistics: InterfaceStatistics, comments: [[UInt8]] = []) {
        block(BlockType.interfaceStatistics) { block in
            block.append(UInt32(statistics.interface))
            block.append(ticks: statistics.time)
            block.comments(comments)
            block.option(OptionCode.Statistics.start, statistics.start)
            block.option(OptionCode.Statistics.end, statistics.end)
            block.option(OptionCode.Statistics.received, statistics.received)
            block.option(OptionCode.Statistics.dropped, statistics.dropped)
            block.option(OptionCode.Statistics.droppedBySystem, statistics.droppedBySystem)
        }
    }
}

extension BlockEncoder {
    private mutating func block(_ type: UInt32, _ body: (inout BlockEncoder) -> Void) {
        let start = begin(type)
        // Where the options begin does not matter: every block made here has some.
        body(&self)
        end(start, options: start)
    }

    private mutating func begin(_ type: UInt32) -> Int {
        let start = bytes.count
        append(type)
        append(UInt32(0))
        return start
    }

    /// Closes the options, if there are any since `options`, and states the length at both ends.
    private mutating func end(_ start: Int, options: Int) {
        if bytes.count > options { append(UInt32(0)) }
        let length = UInt32(bytes.count - start + 4)
        append(length)
        for index in 0..<4 { bytes[start + 4 + index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * index)) }
    }

    private mutating func comments(_ comments: [[UInt8]]) {
        for comment in comments where !comment.isEmpty { option(OptionCode.comment, comment.rawSpan) }
    }

    private mutating func option(_ code: UInt16, _ text: String?) {
        guard let text, !text.isEmpty else { return }
        option(code, Array(text.utf8).rawSpan)
    }

    /// A value that is too long is cut before the begin of a scalar.
    private mutating func option(_ code: UInt16, _ value: RawSpan) {
        var count = value.byteCount
        if count > Self.optionLimit {
            count = Self.optionLimit
            while count > 0, value.byte(at: count) & 0xC0 == 0x80 { count -= 1 }
        }
        append(code)
        append(UInt16(count))
        bytes.append(value.extracting(0..<count))
        pad(count)
    }

    private mutating func option(_ code: UInt16, _ value: UInt64?) {
        guard let value else { return }
        append(code)
        append(UInt16(8))
        append(value)
    }

    private mutating func option(_ code: UInt16, _ time: Timestamp?) {
        guard let time else { return }
        append(code)
        append(UInt16(8))
        append(ticks: time)
    }

    /// Two halves, the high one first, whatever the byte order.
    private mutating func append(ticks time: Timestamp) {
        let ticks = UInt64(max(0, time.nanoseconds))
        append(UInt32(ticks >> 32))
        append(UInt32(truncatingIfNeeded: ticks))
    }

    private mutating func pad(_ count: Int) {
        for _ in 0..<(-count & 3) { bytes.append(0) }
    }

    @inline(__always)
    private mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        bytes.append(littleEndian: value)
    }
}

/// A packet's block that is appended again and again; see ``BlockEncoder/repeatablePacket(from:captured:)``.
public struct RepeatablePacket: Sendable {
    fileprivate let block: [UInt8]
    fileprivate let captured: Int
}

/// The options of a packet in one small piece of the stack.
private struct PacketOptionBytes {
    private(set) var words = InlineArray<10, UInt32>(repeating: 0)
    private(set) var wordCount = 0

    var count: Int { 4 * wordCount }

    mutating func append(_ packet: PacketBlock) {
        if let flags = packet.flags { append(OptionCode.Packet.flags, flags) }
        if let identifier = packet.packetID {
            append(OptionCode.Packet.packetID, UInt32(truncatingIfNeeded: identifier), UInt32(identifier >> 32))
        }
        if packet.processID != 0 || packet.threadID != 0 {
            append(OptionCode.Packet.processAndThread, packet.processID, packet.threadID)
        }
        if let index = packet.processIndex { append(OptionCode.Packet.processIndex, index) }
    }

    private mutating func append(_ code: UInt16, _ value: UInt32) {
        append(word: UInt32(code) | 4 << 16)
        append(word: value)
    }

    private mutating func append(_ code: UInt16, _ first: UInt32, _ second: UInt32) {
        append(word: UInt32(code) | 8 << 16)
        append(word: first)
        append(word: second)
    }

    private mutating func append(word: UInt32) {
        words[wordCount] = word
        wordCount += 1
    }
}
