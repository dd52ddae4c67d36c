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

    private var scanner: BlockScanner
    private let file: String
    private var processCount: UInt32 = 0
    private var packetRange = 0..<0
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
        get { scanner.body.extracting(packetRange) }
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
        get { option(OptionCode.comment) }
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
        while !ended {
            packetRange = 0..<0
            optionStart = .max
            if try scanner.advance() {
                if let event = decode() { return event }
            } else {
                if let what = scanner.damage { note(what) }
                ended = true
            }
        }
        return nil
    }

    private var ended = false

    /// The current block as an event; nil where it was left out.
    private mutating func decode() -> Event? {
        do throws(BlockProblem) {
            switch scanner.type {
            case BlockType.sectionHeader: return try beginSection()
            case BlockType.interfaceDescription:
                let found = try InterfaceDescription.decode(scanner.body, section.byteOrder, count: interfaces.count)
                finish(options: 8, found.problem)
                interfaces.append(found.value)
                return .interface(interfaces.count - 1)
            case BlockType.enhancedPacket:
                return deliver(try DecodedPacket.enhanced(scanner.body, section.byteOrder, interfaces))
            case BlockType.simplePacket:
                return deliver(try DecodedPacket.simple(scanner.body, section.byteOrder, interfaces))
            case BlockType.obsoletePacket:
                return deliver(try DecodedPacket.obsolete(scanner.body, section.byteOrder, interfaces))
            case BlockType.processEvent:
                // It is counted even when it is too short: packets name process blocks by their place.
                processCount += 1
                let found = try ProcessEventBlock.decode(scanner.body, section.byteOrder, index: processCount - 1)
                finish(options: 4, found.problem)
                return .processEvent(found.value)
            case BlockType.interfaceStatistics:
                let found = try InterfaceStatistics.decode(scanner.body, section.byteOrder, interfaces)
                finish(options: 12, found.problem)
                return .statistics(found.value)
            default: return .other(type: scanner.type)
            }
        } catch {
            note("\(error.what); the block is left out")
            return nil
        }
    }

    @inline(__always)
    private mutating func deliver(_ decoded: DecodedPacket) -> Event {
        packetRange = decoded.bytes
        finish(options: decoded.options, decoded.problem)
        return .packet(decoded.packet)
    }

    @inline(__always)
    private mutating func finish(options: Int, _ problem: String?) {
        optionStart = options
        if let problem { note(problem) }
    }

    private mutating func beginSection() throws(BlockProblem) -> Event? {
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
