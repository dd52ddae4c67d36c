import Capture
import PcapNG
import Records
import TextEscaping

/// Capture files, merged by time.
struct CaptureFeed {
    /// A frame that was read ahead, because another file's comes first.
    private struct Held {
        var frame: CapturedFrame
        var bytes: [UInt8]
    }

    private struct Source {
        let file: Savefile
        let name: String
        var held: Held?
        var hasEnded = false
        /// What to add to the file's interface numbers so that they are unique over the run.
        var interfaces: [Int: UInt16] = [:]
        /// The number that was asked for last: mostly it is the next one too.
        var latest: (interface: Int, number: UInt16)?
    }

    private var sources: [Source] = []
    private(set) var interfaces: [CaptureInterface] = []

    /// The names of the captures, as they are shown.
    var names: [String] { sources.map(\.name) }
    /// Damage found so far.
    var damage: [Damage] { sources.flatMap(\.file.damage) }

    /// How far all files together are read; nil where one is a pipe.
    var progress: ReadProgress? {
        var sum = ReadProgress(position: 0, size: 0)
        for source in sources {
            guard let one = source.file.progress else { return nil }
            sum.position += one.position
            sum.size += one.size
        }
        return sum
    }

    /// Opens the files.
    init(paths: [String]) throws(CommandFailure) {
        for path in paths {
            do {
                sources.append(Source(file: try Savefile(path: path), name: shownName(path)))
            } catch {
                throw CommandFailure(error.exitStatus, error.description)
            }
        }
    }

    /// Hands out the next frame by time with its capture's number and its interface's; false at the end.
    mutating func next(_ body: (CapturedFrame, RawSpan, UInt16, UInt16) -> Void) -> Bool {
        if sources.count == 1 { return readDirectly(body) }
        for index in sources.indices where sources[index].held == nil && !sources[index].hasEnded { hold(index) }
        let earliest = sources.indices.filter { sources[$0].held != nil }.min {
            (sources[$0].held?.frame.time ?? .distantFuture) < (sources[$1].held?.frame.time ?? .distantFuture)
        }
        guard let earliest, let held = sources[earliest].held else { return false }
        sources[earliest].held = nil
        let interface = number(held.frame.interface, of: earliest)
        body(held.frame, held.bytes.rawSpan, UInt16(earliest), interface)
        return true
    }

    /// The only file of the run, where it was captured at one place: then no packet is seen twice.
    var onlyPlace: Savefile? { sources.count == 1 && sources[0].file.hasOnePlace ? sources[0].file : nil }

    /// One file needs no order and no copy.
    private mutating func readDirectly(_ body: (CapturedFrame, RawSpan, UInt16, UInt16) -> Void) -> Bool {
        let file = sources[0].file
        return file.next { frame, bytes in body(frame, bytes, 0, number(frame.interface, of: 0)) } != nil
    }

    private mutating func hold(_ index: Int) {
        sources[index].held = sources[index].file.next { frame, bytes in Held(frame: frame, bytes: bytes.array) }
        sources[index].hasEnded = sources[index].held == nil
    }

    /// Numbers the interfaces without packets too, so that a capture of nothing still says what it is of.
    mutating func nameAllInterfaces() {
        for source in sources.indices {
            for interface in sources[source].file.interfaces.indices { _ = number(interface, of: source) }
        }
    }

    private mutating func number(_ interface: Int, of source: Int) -> UInt16 {
        if let latest = sources[source].latest, latest.interface == interface { return latest.number }
        if let known = sources[source].interfaces[interface] {
            sources[source].latest = (interface, known)
            return known
        }
        let number = UInt16(truncatingIfNeeded: interfaces.count)
        sources[source].interfaces[interface] = number
        interfaces.append(sources[source].file.interfaces[interface])
        return number
    }
}

/// A path as it is shown: its last component, so that the same files give the same output in any folder.
func shownName(_ path: String) -> String {
    LosslessEscape.text(path.split(separator: "/").last.map(String.init) ?? path)
}
