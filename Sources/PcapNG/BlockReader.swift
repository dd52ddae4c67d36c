public import Records
import TextEscaping

/// Reads a pcapng file block by block: draft-ietf-opsawg-pcapng, both byte orders, any number of sections.
///
/// Damage is a value, see ``damage``: what stands before it is delivered, and a block that is well framed but wrong in
/// itself is left out alone. Nothing is allocated per packet; texts are made only where they are asked for.
public struct BlockReader: ~Copyable {
    /// What the block is that ``next()`` went to.
    public enum Event: Sendable {
        /// A section begins: see ``BlockReader/section``. Interface and process indices start again from 0.
        case section
        /// An interface was described: its index in ``BlockReader/interfaces``.
        case interface(Int)
        /// A packet: its bytes are ``BlockReader/packetBytes``.
        case packet(PacketBlock)
        /// A process: its name and path are ``BlockReader/text(_:)``.
        case processEvent(ProcessEventBlock)
        /// Counters of an interface.
        case statistics(InterfaceStatistics)
        /// A block that is skipped: names, custom blocks, journal entries, decryption secrets, sysdig, Hone.
        case other(type: UInt32)
    }

    /// What the block is that ``advance()`` went to; what it says is a property of the reader.
    public enum Kind: Sendable {
        /// ``BlockReader/section``; interface and process indices start again from 0.
        case section
        /// The last one of ``BlockReader/interfaces``.
        case interface
        /// ``BlockReader/packet`` and ``BlockReader/packetBytes``.
        case packet
        /// ``BlockReader/processEvent`` and ``BlockReader/text(_:)``.
        case processEvent
        /// ``BlockReader/statistics``.
        case statistics
        /// A block that is skipped.
        case other
    }

    /// How many findings are kept.
    static let damageLimit = 100

    /// The current section.
    public private(set) var section = SectionHeader()
    /// The current section's interfaces so far.
    public private(set) var interfaces: [InterfaceDescription] = []
    /// What was found wrong so far, in file order; at most 100 findings, the last of which says that there are more.
    public private(set) var damage: [Damage] = []

    /// How many findings there were, also those that ``damage`` does not list.
    public private(set) var damageCount = 0

    /// The last packet so far, without its bytes.
    public private(set) var packet = PacketBlock(interface: 0, time: nil, originalLength: 0)
    /// The last process event so far.
    public private(set) var processEvent = ProcessEventBlock(index: 0, processID: 0)
    /// The last counters so far.
    public private(set) var statistics = InterfaceStatistics(interface: 0, time: .distantPast)

    private var scanner: BlockScanner
    private let file: String
    private var processCount: UInt32 = 0
    /// The last packet's; of the current block only where that is a packet.
    private var places = PacketPlaces()
    private var isPacket = false
    private var optionStart = Int.max

    /// A reader of a source; `file` is what ``Damage/file`` says (lossless escape).
    public init(_ source: any ByteSource, file: String) {
        scanner = BlockScanner(source)
        self.file = file
    }

    /// The file offset of the current block.
    public var blockOffset: UInt64 { scanner.offset }

    /// The captured bytes of the current packet; empty for other blocks.
    public var packetBytes: RawSpan {
        @_lifetime(borrow self)
        get { scanner.body.extracting(isPacket ? places.bytes : 0..<0) }
    }

    /// The value of the current block's first option with a code; empty where there is none.
    @_lifetime(borrow self)
    public func option(_ code: UInt16) -> RawSpan {
        var options = OptionCursor(at: optionStart, order: section.byteOrder)
        let body = scanner.body
        while let option = options.next(in: body) {
            if option.code == code { return body.extracting(option.value) }
        }
        return body.extracting(0..<0)
    }

    /// The current block's first comment, as it stands in the file; empty where there is none.
    public var comment: RawSpan {
        @_lifetime(borrow self)
        get {
            // A packet's options were walked already.
            isPacket ? scanner.body.extracting(places.comment) : option(OptionCode.comment)
        }
    }

    /// All comments of the current block, as they stand in the file (ill-formed UTF-8 replaced, nothing escaped).
    public func comments() -> [String] {
        var options = OptionCursor(at: optionStart, order: section.byteOrder)
        var found: [String] = []
        let body = scanner.body
        while let option = options.next(in: body) {
            guard option.code == OptionCode.comment else { continue }
            found.append(String(decoding: body.extracting(option.value).array, as: UTF8.self))
        }
        return found
    }

    /// A text option of the current block in the lossless escape; nil where it is absent or empty.
    public func text(_ code: UInt16) -> String? {
        // Some writers count a terminating NUL.
        let bytes = option(code).array.prefix { $0 != 0 }
        return bytes.isEmpty ? nil : LosslessEscape.text(bytes)
    }

    /// Goes to the next block that can be used.
    ///
    /// - Returns: what it is; nil at the end, which is the end of the file or, with an entry in ``damage``, where it
    ///   cannot be read any further.
    public mutating func next() throws(ByteSourceError) -> Event? {
        switch try advance() {
        case .section?: .section
        case .interface?: .interface(interfaces.count - 1)
        case .packet?: .packet(packet)
        case .processEvent?: .processEvent(processEvent)
        case .statistics?: .statistics(statistics)
        case .other?: .other(type: scanner.type)
        case nil: nil
        }
    }

    /// The same as ``next()`` for who reads many blocks: nothing is copied of those that are not looked at.
    public mutating func advance() throws(ByteSourceError) -> Kind? {
        while !ended {
            isPacket = false
            optionStart = .max
            if try scanner.advance() {
                if let kind = decode() { return kind }
            } else {
                if let what = scanner.damage { note(what) }
                ended = true
            }
        }
        return nil
    }

    private var ended = false

    /// ``advance()`` would not have to wait for its source.
    public var hasBlockReady: Bool { !ended && scanner.holdsNextBlock }

    /// What the current block is; nil where it was left out.
    @inline(__always)
    private mutating func decode() -> Kind? {
        do throws(BlockProblem) {
            if scanner.type == BlockType.enhancedPacket {
                try places.enhanced(scanner.body, section.byteOrder, interfaces, &packet)
                return delivered()
            }
            return try decodeRare()
        } catch {
            note("\(error.what); the block is left out")
            return nil
        }
    }

    private mutating func decodeRare() throws(BlockProblem) -> Kind? {
        switch scanner.type {
        case BlockType.sectionHeader: return try beginSection()
        case BlockType.interfaceDescription:
            let found = try InterfaceDescription.decode(scanner.body, section.byteOrder, count: interfaces.count)
            finish(options: 8, found.problem)
            interfaces.append(found.value)
            return .interface
        case BlockType.simplePacket:
            try places.simple(scanner.body, section.byteOrder, interfaces, &packet)
            return delivered()
        case BlockType.obsoletePacket:
            try places.obsolete(scanner.body, section.byteOrder, interfaces, &packet)
            return delivered()
        case BlockType.processEvent:
            // It is counted even when it is too short: packets name process blocks by their place.
            processCount += 1
            let found = try ProcessEventBlock.decode(scanner.body, section.byteOrder, index: processCount - 1)
            finish(options: 4, found.problem)
            processEvent = found.value
            return .processEvent
        case BlockType.interfaceStatistics:
            let found = try InterfaceStatistics.decode(scanner.body, section.byteOrder, interfaces)
            finish(options: 12, found.problem)
            statistics = found.value
            return .statistics
        default: return .other
        }
    }

    @inline(__always)
    private mutating func delivered() -> Kind {
        isPacket = true
        finish(options: places.options, places.problem)
        return .packet
    }

    @inline(__always)
    private mutating func finish(options: Int, _ problem: BlockFlaw?) {
        optionStart = options
        if let problem { note(problem.sentence) }
    }

    private mutating func beginSection() throws(BlockProblem) -> Kind? {
        let found = try SectionHeader.decode(scanner.body, scanner.byteOrder)
        guard found.majorVersion == 1 else {
            note(
                "a section has version \(found.majorVersion); only version 1 is known, and nothing is read from here on"
            )
            ended = true
            return nil
        }
        section = found.value
        interfaces.removeAll(keepingCapacity: true)
        processCount = 0
        finish(options: 16, found.problem)
        return .section
    }

    private mutating func note(_ what: String) {
        damageCount += 1
        guard damage.count < Self.damageLimit else { return }
        let isLast = damage.count == Self.damageLimit - 1
        damage.append(
            Damage(
                file: file, offset: scanner.offset,
                what: isLast ? "there is more damage from here on, which is not listed" : what))
    }
}
