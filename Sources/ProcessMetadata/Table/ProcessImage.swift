internal import Records

/// What one exec put into a process: shared by every process forked from it.
struct ProcessImage: Hashable, Sendable {
    var executable: String?
    var arguments: [String]?
    var argumentsCut = false
    var observation: ImageObservation?
    /// By the kernel's record.
    var file: ImageFile?
    var finished: ProcessDescription?

    /// Arguments beyond this many bytes are cut: a process may legally have 2 MiB of them, and many may.
    static let argumentLimit = 8192

    init(
        executable: String? = nil, arguments: [String]? = nil, argumentsCut: Bool = false,
        observation: ImageObservation? = nil, file: ImageFile? = nil, finished: ProcessDescription? = nil
    ) {
        self.executable = executable
        self.observation = observation
        self.file = file
        self.finished = finished
        (self.arguments, self.argumentsCut) = Self.bounded(arguments, cut: argumentsCut)
        self.finished?.arguments = Self.bounded(finished?.arguments, cut: false).arguments
    }

    /// The image that a record brings, or nil where it says nothing of one.
    init?(_ record: ProcessRecord) {
        guard
            record.executable != nil || record.arguments != nil || record.image != nil
                || record.imageFile != nil || record.description != nil
        else { return nil }
        self.init(
            executable: record.executable, arguments: record.arguments, argumentsCut: record.argumentsCut,
            observation: record.image, file: record.imageFile, finished: record.description)
    }

    /// A rough account of what it occupies.
    var byteCount: Int {
        func size(_ text: String?) -> Int { text.map { $0.utf8.count + 16 } ?? 0 }
        func size(_ texts: [String]?) -> Int { texts?.reduce(32) { $0 + size($1) } ?? 0 }
        var count = 160 + size(executable) + size(arguments) + size(observation?.sha256)
        if let finished {
            count += 256 + size(finished.executable) + size(finished.arguments) + finished.parents.count * 384
        }
        return count
    }

    private static func bounded(_ arguments: [String]?, cut: Bool) -> (arguments: [String]?, cut: Bool) {
        guard let arguments else { return (nil, cut) }
        var room = argumentLimit
        for (index, argument) in arguments.enumerated() {
            room -= argument.utf8.count + 1
            if room < 0 { return (Array(arguments[..<index]), true) }
        }
        return (arguments, cut)
    }
}

/// Images by number, counted by reference: a value, so that tables can be copied and sent.
struct ImageStore: Sendable {
    private var slots: [(image: ProcessImage, references: Int)] = []
    private var free: [Int] = []
    /// The sum of ``ProcessImage/byteCount``.
    private(set) var byteCount = 0

    /// Keeps an image; the caller holds the first reference.
    mutating func insert(_ image: ProcessImage) -> Int {
        byteCount += image.byteCount
        if let slot = free.popLast() {
            slots[slot] = (image, 1)
            return slot
        }
        slots.append((image, 1))
        return slots.count - 1
    }

    mutating func retain(_ slot: Int) { slots[slot].references += 1 }

    mutating func release(_ slot: Int) {
        slots[slot].references -= 1
        guard slots[slot].references == 0 else { return }
        byteCount -= slots[slot].image.byteCount
        slots[slot].image = ProcessImage()
        free.append(slot)
    }

    subscript(slot: Int) -> ProcessImage { slots[slot].image }
}
