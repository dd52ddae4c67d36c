internal import Crypto
internal import Foundation
internal import Mustache
public import Reporting

/// A report as one self-contained HTML page: no network, no file beside it, readable without its script.
///
/// All markup is in the templates of the folder `Page`; every value goes through ``PageText``, so that names and payloads
/// cannot become markup. A content security policy allows the page's own style and scripts by their hashes, and nothing
/// else: whatever slipped through would not run, and could not fetch or send.
public enum ReportPage {
    /// The page's bytes.
    public static func encode(_ report: IncidentReport) -> [UInt8] {
        // The templates are part of the program and parsed by its tests: one that does not parse has no reader to tell.
        guard let page = library.render(view(report), withTemplate: "page.html") else {
            preconditionFailure("the page's template is missing")
        }
        return Array(page.utf8)
    }

    /// What the templates are filled with.
    private static func view(_ report: IncidentReport) -> [String: Any] {
        var view = ReportView(report).members
        let files = ["style": "style.css", "boot": "boot.js", "script": "script.js"]
        for (name, file) in files {
            let text = PageFiles.all[file] ?? ""
            view[name] = text
            view["\(name)Hash"] = hash(text)
        }
        return view
    }

    /// A source expression of the content security policy (CSP Level 3, section 2.3.1).
    private static func hash(_ text: String) -> String {
        "sha256-" + Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString()
    }

    private static let library: MustacheLibrary = {
        MustacheContentTypes.register(PageText(), named: PageText.name)
        var library = MustacheLibrary()
        for (name, text) in PageFiles.all where name.hasSuffix(".html") {
            // The library's own escape goes by characters and lets a quotation mark with a combining sign through.
            do {
                try library.register("{{% CONTENT_TYPE:\(PageText.name)}}\n" + text, named: name)
            } catch {
                preconditionFailure("\(name): \(error)")
            }
        }
        return library
    }()
}

/// Text for HTML: in an element's content and in an attribute in quotation marks.
struct PageText: MustacheContentType {
    static let name = "PAGE"

    /// The five characters that HTML gives a meaning, byte by byte: what follows them cannot hide them.
    func escapeText(_ text: String) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "<"): output += "&lt;".utf8
            case UInt8(ascii: ">"): output += "&gt;".utf8
            case UInt8(ascii: "&"): output += "&amp;".utf8
            case UInt8(ascii: "\""): output += "&quot;".utf8
            case UInt8(ascii: "'"): output += "&#39;".utf8
            default: output.append(byte)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
