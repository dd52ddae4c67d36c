import ArgumentParser
import Evidence
import PcapNG
import Records
import SystemPackage

/// `whosent evidence`
struct EvidenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Say what evidence files hold, and convert them to evidence pcapng.",
        discussion: """
            Shows why a join finds nothing: another machine, another hour, no sends, a
            clock of its own.

            Examples:
              whosent evidence trace.csv tasklist.txt     what is in them
              whosent evidence trace.csv -w trace.pcapng  believed as far as the original
            """)

    @Argument(
        help: ArgumentHelp("Evidence of any kind, told by its content; - for standard input.", valueName: "file"),
        completion: .file())
    var files: [String]

    @Option(
        name: [.customShort("w", allowingJoined: true), .customLong("write")],
        help: ArgumentHelp("Convert the one file to this pcapng, - for standard output.", valueName: "file"),
        completion: .file())
    var write: String?

    @Option(help: ArgumentHelp("text or ndjson.", valueName: "format"))
    var format = EvidenceFormat.text

    @Flag(help: "Leave command lines, which may hold secrets, out of the converted file.")
    var noArgs = false

    enum EvidenceFormat: String, ExpressibleByArgument, CaseIterable {
        case text
        case ndjson
    }

    func validate() throws {
        if files.isEmpty { throw ValidationError("name the evidence") }
        if files.filter({ $0 == "-" }).count > 1 { throw ValidationError("standard input can be given only once") }
        if write != nil, files.count != 1 {
            throw ValidationError("-w converts one file; join takes several with --evidence each")
        }
    }

    func run() throws {
        var output = StandardOutput()
        var holdsNothing = true
        for file in files {
            let (contents, reader) = try read(file)
            if contents.recordCount > 0 { holdsNothing = false }
            for finding in reader.damage {
                Diagnostics.report("\(finding.file), offset \(finding.offset): \(finding.what)")
            }
            guard write != "-" else { continue }
            output.buffer += format == .text ? Array(contents.text.utf8) : contents.json
            try output.flush()
        }
        if holdsNothing { throw CommandFailure(ExitStatus.noUsableInput, "there is no record that can be used") }
    }

    private func read(_ file: String) throws(CommandFailure) -> (EvidenceContents, EvidenceReader) {
        let reader: EvidenceReader
        do throws(EvidenceError) {
            reader = try EvidenceReader(path: file, host: 0)
        } catch {
            throw CommandFailure(error.exitStatus, error.description)
        }
        guard let write else { return (try contents(of: reader, file), reader) }
        guard reader.kind != .recording, reader.kind != .annotatedCapture else {
            throw CommandFailure(
                ExitStatus.noUsableInput,
                "\(file) is \(reader.kind.name) already: there is nothing to convert")
        }
        return (try convert(reader, file, to: write), reader)
    }

    private func next(_ reader: EvidenceReader) throws(CommandFailure) -> EvidenceRecord? {
        do throws(EvidenceError) {
            return try reader.next()
        } catch {
            throw CommandFailure(error.exitStatus, error.description)
        }
    }

    private func contents(of reader: EvidenceReader, _ file: String) throws(CommandFailure) -> EvidenceContents {
        var contents = EvidenceContents(file: file)
        while let record = try next(reader) { contents.add(record) }
        contents.finish(reader)
        return contents
    }

    private func convert(
        _ reader: EvidenceReader, _ file: String, to path: String
    ) throws(CommandFailure) -> EvidenceContents {
        let descriptor = try OutputFile.create(path, besides: [file])
        defer { if path != "-" { try? descriptor.close() } }
        var contents = EvidenceContents(file: file)
        let writer = ConvertedEvidenceWriter(
            descriptor: descriptor, from: reader, toolVersion: toolVersion, withoutArguments: noArgs)
        while let record = try next(reader) {
            contents.add(record)
            try written { () throws(BlockWriterError) in try writer.write(record) }
        }
        try written { () throws(BlockWriterError) in try writer.finish() }
        contents.finish(reader)
        return contents
    }

    private func written(_ body: () throws(BlockWriterError) -> Void) throws(CommandFailure) {
        do throws(BlockWriterError) {
            try body()
        } catch {
            throw error.failure
        }
    }
}
