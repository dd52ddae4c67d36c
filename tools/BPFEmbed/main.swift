// Compiles one BPF C file and writes its object as a Swift source file.
import Foundation

struct Failure: Error, CustomStringConvertible {
    let description: String
}

/// The options as `--name value` pairs.
struct Options {
    private let values: [String: String]

    init(_ arguments: some Sequence<String>) throws {
        var values: [String: String] = [:]
        var iterator = arguments.makeIterator()
        while let name = iterator.next() {
            guard let value = iterator.next() else { throw Failure(description: "\(name) needs a value") }
            values[name] = value
        }
        self.values = values
    }

    func value(_ name: String) throws -> String {
        guard let value = values[name] else { throw Failure(description: "\(name) is missing") }
        return value
    }
}

func run(_ tool: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        throw Failure(description: "\(tool) ended with status \(process.terminationStatus)")
    }
}

/// libbpf's name of the architecture, and Debian's of the folder that holds <asm/types.h>.
#if arch(x86_64)
    let architecture = (bpf: "x86", multiarch: "x86_64-linux-gnu")
#elseif arch(arm64)
    let architecture = (bpf: "arm64", multiarch: "aarch64-linux-gnu")
#else
    #error("no table of system calls for this architecture: see bpf/lib/calls.bpf.h")
#endif

func compile(_ options: Options, object: URL) throws {
    let includes = try options.value("--include")
    try run(
        options.value("--clang"),
        [
            "-target", "bpf", "-mcpu=v3", "-D__TARGET_ARCH_\(architecture.bpf)", "-g", "-O2", "-Wall", "-Werror",
            // Paths of the building machine stay out of the object.
            "-ffile-prefix-map=\(includes)=bpf", "-I", includes,
            "-idirafter", "/usr/include/\(architecture.multiarch)", "-c", options.value("--source"), "-o", object.path,
        ])
    // DWARF is most of the object; .BTF and .BTF.ext stay.
    try run(options.value("--objcopy"), ["--strip-debug", object.path])
}

/// Words type-check an order of magnitude faster than bytes.
func swiftSource(name: String, image: [UInt8]) -> String {
    let padded = image + [UInt8](repeating: 0, count: (8 - image.count % 8) % 8)
    let words = stride(from: 0, to: padded.count, by: 8).map { start in
        "0x" + String(padded[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }, radix: 16)
    }
    let lines = stride(from: 0, to: words.count, by: 5).map {
        words[$0..<min($0 + 5, words.count)].joined(separator: ", ")
    }
    return """
        // Generated from \(name).bpf.c; do not edit.
        extension BPFObject {
            /// The object compiled from `bpf/\(name).bpf.c`.
            public static let \(name) = BPFObject(name: "\(name)", byteCount: \(image.count), words: [
                \(lines.joined(separator: ",\n        "))
            ])
        }

        """
}

do {
    let options = try Options(CommandLine.arguments.dropFirst())
    let output = URL(fileURLWithPath: try options.value("--output"))
    let object = output.deletingPathExtension().appendingPathExtension("o")
    try compile(options, object: object)
    let source = swiftSource(name: try options.value("--name"), image: [UInt8](try Data(contentsOf: object)))
    try source.write(to: output, atomically: true, encoding: .utf8)
} catch {
    FileHandle.standardError.write(Data("BPFEmbed: \(error)\n".utf8))
    exit(1)
}
