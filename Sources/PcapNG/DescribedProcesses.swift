public import Records

/// Which images were described in which process event block of the section that is being written.
///
/// The older ones are forgotten, so that a machine that starts processes all day does not fill the memory: describing
/// one again does no harm.
public struct DescribedProcesses: Sendable {
    private static let generationSize = 16_384

    private struct Image: Hashable {
        var process: ProcessKey
        var version: UInt32
        var host: UInt16
        var variant: UInt8
    }

    /// What was asked for lately: a look here costs a fraction of a look into a dictionary.
    private var asked = [(image: Image, index: UInt32)?](repeating: nil, count: 64)
    private var recent: [Image: UInt32] = [:]
    private var older: [Image: UInt32] = [:]

    /// None yet.
    public init() {}

    /// The index of the block that describes an image of a process; nil where it has to be written (again).
    ///
    /// `variant` tells descriptions of one image apart whose content differs.
    public mutating func index(
        _ process: ProcessKey, imageVersion: UInt32, host: UInt16 = 0, variant: UInt8 = 0
    ) -> UInt32? {
        let image = Image(process: process, version: imageVersion, host: host, variant: variant)
        let slot = Int(process.pid & 63)
        if let entry = asked[slot], entry.image == image { return entry.index }
        guard let index = recent[image] ?? older[image] else { return nil }
        asked[slot] = (image, index)
        return index
    }

    /// Notes that the block with this index describes an image of a process.
    public mutating func insert(
        _ process: ProcessKey, imageVersion: UInt32, host: UInt16 = 0, variant: UInt8 = 0, index: UInt32
    ) {
        if recent.count >= Self.generationSize {
            older = recent
            recent = [:]
        }
        let image = Image(process: process, version: imageVersion, host: host, variant: variant)
        recent[image] = index
        asked[Int(process.pid & 63)] = (image, index)
    }
}
