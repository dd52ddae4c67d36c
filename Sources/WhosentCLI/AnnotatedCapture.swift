import Capture
import PcapNG
import Records
import Reporting
import SystemPackage
import TextEscaping

/// The file of `-w`: created when the run begins, written packet by packet.
final class AnnotatedCapture {
    private let descriptor: FileDescriptor
    private var writer: AnnotatedCaptureWriter
    private var interfaces: [CaptureInterface]
    private var latest = Timestamp.distantPast

    /// Creates the file.
    ///
    /// - Parameters:
    ///   - inputs: files that the command reads.
    ///   - pktap: see ``AnnotatedCaptureWriter``.
    convenience init(
        path: String, besides inputs: [String] = [], coverage: [Coverage], interfaces: [CaptureInterface],
        pktap: Bool = false
    ) throws(CommandFailure) {
        try self.init(
            descriptor: try OutputFile.create(path, besides: inputs), coverage: coverage, interfaces: interfaces,
            pktap: pktap)
    }

    /// Begins the capture on a file or pipe that is open.
    init(
        descriptor: FileDescriptor, coverage: [Coverage], interfaces: [CaptureInterface], pktap: Bool
    ) throws(CommandFailure) {
        self.descriptor = descriptor
        self.interfaces = interfaces
        do {
            writer = try AnnotatedCaptureWriter(
                descriptor: descriptor, toolVersion: toolVersion, operatingSystem: nil, coverage: coverage,
                interfaces: interfaces, pktap: pktap)
        } catch {
            throw error.failure
        }
    }

    /// States the capture interfaces that are known by now; they are described before their first packet.
    func describe(_ interfaces: [CaptureInterface]) { self.interfaces = interfaces }

    /// Writes a frame. - Parameter interface: its number in the run.
    func write(
        _ frame: CapturedFrame, interface: UInt16, bytes: RawSpan, reported: ReportedPacket?
    ) throws(CommandFailure) {
        latest = max(latest, frame.time)
        let description = AnnotatedCaptureWriter.Frame(
            time: frame.time, interface: interface, direction: reported?.packet.direction ?? frame.direction,
            packetID: frame.packetID, originalLength: frame.originalLength)
        do { try writer.write(description, bytes, reported, interfaces: interfaces) } catch { throw error.failure }
    }

    /// Writes out what waits.
    func flush() throws(CommandFailure) {
        do { try writer.flush() } catch { throw error.failure }
    }

    /// Closes the capture.
    func finish(_ summary: RunSummary) throws(CommandFailure) {
        let stop = summary.coverage.compactMap(\.stop).max() ?? latest
        do {
            try writer.finish(
                stop: max(stop, latest), counts: summary.interfaces, lost: summary.lost,
                interfaces: interfaces)
        } catch {
            throw error.failure
        }
    }
}
