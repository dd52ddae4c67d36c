import Foundation
import Testing

/// The extcap protocol, spoken as Wireshark does.
@Suite("extcap, live", .serialized, .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"))
struct ExtcapCaptureTests {
    private let folder: URL
    private let link: String

    init() throws {
        folder = try TestMachine.temporaryFolder()
        try FileManager.default.createDirectory(
            at: folder.appending(path: "extcap"), withIntermediateDirectories: false)
        link = folder.appending(path: "extcap/whosent-extcap").path
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: TestMachine.whosent)
    }

    private func send(_ network: LabNetwork) throws {
        let sender = try LabRun.buildSenders().appending(path: "sender").path
        let run = try CommandRun(
            network.inside(
                "host",
                [
                    sender, "sendto", "--row", "x", "--token", "0000abcd", "--source", "192.0.2.1", "--destination",
                    "192.0.2.2", "--port", "7001", "--count", "23",
                ]))
        #expect(run.status == 0, "\(run.errors)")
    }

    private func capture(_ network: LabNetwork, fifo: String, _ more: String...) -> [String] {
        [
            link, "--capture", "--extcap-interface", "whosent", "--fifo", fifo, "--extcap-capture-filter",
            "udp port 7001", "--netns", network.name(of: "host"), "--interface", "any",
        ] + more
    }

    private func makePipe() throws -> String {
        let fifo = folder.appending(path: "pipe").path
        #expect(try CommandRun(["/usr/bin/env", "mkfifo", fifo]).status == 0)
        return fifo
    }

    @Test("A reader that goes away ends it, also in a quiet network, with no word")
    func quietEnd() throws {
        let network = try LabNetwork()
        let fifo = try makePipe()
        let whosent = try StartedCommand(capture(network, fifo: fifo))
        let reader = try StartedCommand(["/bin/cat", fifo])
        // The header is there before any packet is.
        try reader.wait(for: "annotatedCapture")
        reader.send(signal: SIGTERM)
        let run = try whosent.finish(seconds: 5)
        #expect(run.status == 0 && run.errors.isEmpty && run.output.isEmpty, "\(run.errors)")
    }

    @Test("A signal ends it, and the capture is whole", arguments: [[], ["--tag", "dsaccess-ping"]])
    func signal(tags: [String]) throws {
        let network = try LabNetwork()
        let fifo = try makePipe()
        let file = folder.appending(path: "out.pcapng").path
        let whosent = try StartedCommand(capture(network, fifo: fifo) + tags)
        let reader = try StartedCommand(["/bin/cat", fifo])
        try reader.wait(for: "annotatedCapture")
        try send(network)
        usleep(1_500_000)
        whosent.send(signal: SIGTERM)
        let run = try whosent.finish(seconds: 10)
        #expect(run.status == 0 && run.errors.isEmpty && run.output.isEmpty, "\(run.errors)")
        try reader.finish(seconds: 5).output.write(to: URL(filePath: file))
        let comments = try CommandRun([
            "/usr/bin/env", "tshark", "-r", file, "-T", "fields", "-e", "frame.comment",
        ])
        let lines = comments.text.split(separator: "\n")
        // Only packets with a tag that none of these has.
        #expect(lines.count == (tags.isEmpty ? 23 : 0), "\(comments.text)")
        #expect(lines.allSatisfy { $0.contains("VERDICT=process CONFIDENCE=exact") && $0.contains("NAME=\"sender\"") })
    }

    @Test("tshark lists the interface, and captures from it with the processes")
    func tshark() throws {
        let network = try LabNetwork()
        // tshark ignores WIRESHARK_EXTCAP_DIR for root, so the folder is put where a package would put the link.
        let script = """
            place=$(tshark -G folders 2>/dev/null | sed -n 's/^Extcap path:[[:space:]]*//p' | tail -n 1)
            mount --bind '\(folder.path)/extcap' "$place" || exit 1
            tshark -D 2>/dev/null
            exec timeout 30 tshark -i whosent -o extcap.whosent.netns:\(network.name(of: "host")) -f 'udp port 7001' \
            -c 23 -T fields -e udp.dstport -e frame.comment
            """
        let tshark = try StartedCommand(["/usr/bin/unshare", "--mount", "/bin/bash", "-c", script])
        try tshark.wait(for: "Capture started", seconds: 20)
        try send(network)
        // What came before the tool was ready is not captured; it has enough with as many packets as were sent once.
        usleep(3_000_000)
        try send(network)
        let run = try tshark.finish(seconds: 30)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.text.contains(". whosent (whosent: live capture with the sending process)\n"), "\(run.text)")
        let packets = run.text.split(separator: "\n").filter { $0.hasPrefix("7001\t") }
        #expect(packets.count == 23, "\(run.text)\(run.errors)")
        #expect(
            packets.allSatisfy { $0.contains("VERDICT=process CONFIDENCE=exact") && $0.contains("NAME=\"sender\"") })
    }
}
