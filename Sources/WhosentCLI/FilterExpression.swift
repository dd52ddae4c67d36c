import Capture
import PacketDecoding

/// A pcap-filter(7) expression as the words of a command line give it.
struct FilterExpression {
    private let words: [String]

    init(words: [String]) { self.words = words }

    /// The expression; empty for none.
    var text: String { words.joined(separator: " ") }

    /// Refuses what no interface's filter could be, before anything is attached: a typing error needs no privilege to be
    /// found.
    func refuseMistyped() throws(CommandFailure) {
        guard !words.isEmpty else { return }
        do throws(CaptureError) {
            _ = try PacketFilter(text, linkType: LinkType.linuxSLL2)
        } catch {
            // Whether the rest of the errors is one depends on the interface.
            guard error.description.contains("syntax error") else { return }
            throw CommandFailure(error.exitStatus, error.description + hint)
        }
    }

    /// What else the words may have been meant for.
    private var hint: String {
        guard let first = words.first else { return "" }
        if listInterfaces().contains(first) { return " An interface is named with -i: -i \(first)." }
        return first.contains("/") ? " A command to run comes behind two dashes: -- COMMAND." : ""
    }

    /// What is wrong with an expression; nil for one that fits all interfaces at once or Ethernet, where it is not known
    /// yet what will be captured on.
    static func problem(with expression: String) -> String? {
        do throws(CaptureError) {
            _ = try PacketFilter(expression, linkType: LinkType.linuxSLL2)
            return nil
        } catch {
            return (try? PacketFilter(expression, linkType: LinkType.ethernet)) == nil ? error.description : nil
        }
    }
}
