import Foundation
import PackagePlugin

/// Compiles every `bpf/*.bpf.c` for the BPF target and embeds the objects as Swift source.
@main
struct BPFCompilePlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        // Found in the toolchain's own folder: Swift's clang has the BPF target, so none has to be installed.
        let clang = try context.tool(named: "clang").url
        let objcopy = try context.tool(named: "llvm-objcopy").url
        let embed = try context.tool(named: "BPFEmbed").url
        let folder = context.package.directoryURL.appending(path: "bpf")
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
        let headers = files.filter { $0.hasSuffix(".h") }.map { folder.appending(path: $0) }
        return files.filter { $0.hasSuffix(".bpf.c") }.map { name in
            let stem = String(name.dropLast(".bpf.c".count))
            let source = folder.appending(path: name)
            // Only the Swift file is declared: a declared object would become a resource bundle and pull in Foundation.
            let output = context.pluginWorkDirectoryURL.appending(path: "\(stem).bpf.swift")
            return .buildCommand(
                displayName: "Compiling BPF \(name)",
                executable: embed,
                arguments: [
                    "--clang", clang.path, "--objcopy", objcopy.path, "--name", stem, "--source", source.path,
                    "--include", folder.path, "--output", output.path,
                ],
                inputFiles: [source] + headers,
                outputFiles: [output])
        }
    }
}
