/// Why a well-framed block cannot be used.
struct BlockProblem: Error {
    var what: String

    static func undescribed(_ what: String, _ index: Int, of count: Int) -> BlockProblem {
        BlockProblem(
            what: "\(what) name\(what.hasSuffix("s") ? "" : "s") interface \(index), "
                + (count == 0 ? "but none is described before" : "but only \(count) are described before"))
    }
}

extension SectionHeader {
    /// The header in a block's body, its version, and what is wrong with its options.
    static func decode(
        _ body: RawSpan, _ order: ByteOrder
    ) throws(BlockProblem) -> (value: SectionHeader, majorVersion: UInt16, problem: BlockFlaw?) {
        guard body.byteCount >= 16 else { throw BlockProblem(what: "a section header is too short") }
        var section = SectionHeader()
        section.byteOrder = order
        var options = OptionCursor(at: 16, order: order)
        while let option = options.next(in: body) {
            switch option.code {
            case OptionCode.Section.hardware: section.hardware = body.text(option.value)
            case OptionCode.Section.operatingSystem: section.operatingSystem = body.text(option.value)
            case OptionCode.Section.application: section.application = body.text(option.value)
            default: break
            }
        }
        return (section, body.load(UInt16.self, at: 4, order), options.problem)
    }
}

extension InterfaceDescription {
    /// More interfaces than a section can reasonably have are damage: they would let a file fill the memory.
    private static let limit = 65_536

    /// The description in a block's body, `count` others being known already.
    static func decode(
        _ body: RawSpan, _ order: ByteOrder, count: Int
    ) throws(BlockProblem) -> (value: InterfaceDescription, problem: BlockFlaw?) {
        guard body.byteCount >= 8 else { throw BlockProblem(what: "an interface description is too short") }
        guard count < limit else { throw BlockProblem(what: "there are more than \(limit) interfaces") }
        var interface = InterfaceDescription(
            linkType: body.load(UInt16.self, at: 0, order), snapLength: body.load(UInt32.self, at: 4, order))
        var options = OptionCursor(at: 8, order: order)
        while let option = options.next(in: body) {
            switch (option.code, option.value.count) {
            case (OptionCode.Interface.name, _): interface.name = body.text(option.value)
            case (OptionCode.Interface.summary, _): interface.summary = body.text(option.value)
            case (OptionCode.Interface.timestampResolution, 1):
                interface.resolution = TimestampResolution(code: body.byte(at: option.value.lowerBound))
            case (OptionCode.Interface.timestampOffset, 8):
                interface.timestampOffset = body.load(Int64.self, at: option.value.lowerBound, order)
            default: break
            }
        }
        return (interface, options.problem)
    }
}

extension ProcessEventBlock {
    /// The process in a block's body.
    static func decode(
        _ body: RawSpan, _ order: ByteOrder, index: UInt32
    ) throws(BlockProblem) -> (value: ProcessEventBlock, problem: BlockFlaw?) {
        guard body.byteCount >= 4 else { throw BlockProblem(what: "a process event block is too short") }
        var options = OptionCursor(at: 4, order: order)
        while options.next(in: body) != nil {}
        return (ProcessEventBlock(index: index, processID: body.load(UInt32.self, at: 0, order)), options.problem)
    }
}

extension InterfaceStatistics {
    /// The counters in a block's body.
    static func decode(
        _ body: RawSpan, _ order: ByteOrder, _ interfaces: [InterfaceDescription]
    ) throws(BlockProblem) -> (value: InterfaceStatistics, problem: BlockFlaw?) {
        guard body.byteCount >= 12 else { throw BlockProblem(what: "an interface statistics block is too short") }
        let index = Int(body.load(UInt32.self, at: 0, order))
        guard index < interfaces.count else {
            throw .undescribed("statistics", index, of: interfaces.count)
        }
        let interface = interfaces[index]
        var statistics = InterfaceStatistics(interface: index, time: interface.time(ticks: body.ticks(at: 4, order)))
        var options = OptionCursor(at: 12, order: order)
        while let option = options.next(in: body) {
            guard option.value.count == 8 else { continue }
            let at = option.value.lowerBound
            switch option.code {
            case OptionCode.Statistics.start: statistics.start = interface.time(ticks: body.ticks(at: at, order))
            case OptionCode.Statistics.end: statistics.end = interface.time(ticks: body.ticks(at: at, order))
            case OptionCode.Statistics.received: statistics.received = body.load(UInt64.self, at: at, order)
            case OptionCode.Statistics.dropped: statistics.dropped = body.load(UInt64.self, at: at, order)
            case OptionCode.Statistics.droppedBySystem:
                statistics.droppedBySystem = body.load(UInt64.self, at: at, order)
            default: break
            }
        }
        return (statistics, options.problem)
    }
}
