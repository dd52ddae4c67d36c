import Foundation
import Testing

/// The page in headless Chromium: tables, pictures, sorting, filtering, accessibility, silence.
///
/// Screenshots in two widths and both colour schemes, and the printed page, are left in `.build/report-pages`.
@Suite("The report's page in a browser", .serialized)
struct ReportPageTests {
    private static let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
    private static let folder = TestMachine.package.appending(path: ".build/report-pages").path

    @Test(
        "The page works, says nothing to the console, and asks for nothing",
        .enabled(if: chromium != nil || TestMachine.requiresBPF, "Chromium is not installed"),
        arguments: ["sample", "case-b", "classified", "hostile", "many"])
    func page(name: String) throws {
        let script = TestMachine.package.appending(path: "Tests/Browser/report_page.py").path
        let run = try CommandRun(
            ["/usr/bin/env", "python3", "-B", script, TestMachine.whosent, Self.folder, name], seconds: 600)
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
    }
}
