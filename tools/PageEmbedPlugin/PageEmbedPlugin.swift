import Foundation
import PackagePlugin

/// Embeds the files of a target's folder `Page` as Swift strings: templates, style and script stay files that an editor knows.
@main
struct PageEmbedPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        let folder = target.directoryURL.appending(path: "Page")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { ["html", "css", "js"].contains(($0 as NSString).pathExtension) }.sorted()
            .map { folder.appending(path: $0) }
        // Not resources: a resource bundle is a second file that would have to be installed beside the program.
        let output = context.pluginWorkDirectoryURL.appending(path: "PageFiles.swift")
        return [
            .buildCommand(
                displayName: "Embedding the report page", executable: try context.tool(named: "PageEmbed").url,
                arguments: [output.path] + files.map(\.path), inputFiles: files, outputFiles: [output])
        ]
    }
}
