import TextEscaping

/// What a line of tasklist says, in whatever form it was printed.
struct TaskListRow: Hashable {
    var imageName: [UInt8]
    var pid: UInt32
    /// The name fills its column: the rest of it may have been cut off.
    var isNameCut = false
    var user: String?
    var services: [String] = []
    /// The list of services may go on in the next line.
    var listsServices = false

    /// Services of a `/SVC` list. What is no service's name (N/A in any language, a module of `/M`) is left out: names
    /// of services hold neither blanks nor slashes.
    static func services(_ text: some Collection<UInt8>) -> [String] {
        text.split(separator: UInt8(ascii: ",")).compactMap { part in
            let bytes = Array(part)
            let name = bytes[bytes.trimmed(0..<bytes.count)]
            let isName = !name.isEmpty && !name.contains { $0.isBlank || $0 == UInt8(ascii: "/") || $0 == 0x5C }
            let ending = name.suffix(4).map { $0 | 0x20 }
            let isModule = [".dll", ".exe", ".drv", ".cpl", ".ocx"].contains { Array($0.utf8) == ending }
            return isName && !isModule ? LosslessEscape.text(name) : nil
        }
    }

    /// A user is `DOMAIN\name`; `N/A` in any language is none.
    static func user(_ text: some Collection<UInt8>) -> String? {
        text.contains(0x5C) ? LosslessEscape.text(text) : nil
    }
}

// Lines whose columns are only parted by blanks.
extension TaskListRow {
    /// Takes a line apart by its words. An image's name may hold blanks and numbers, so every place where the process id
    /// could stand is tried; the row is only taken where one alone fits.
    init?(words: [Range<Int>], in line: [UInt8]) {
        var found: [TaskListRow] = []
        for index in words.indices.dropFirst() {
            if let row = Self.row(words, in: line, pidAt: index) { found.append(row) }
        }
        if found.count > 1 {
            found = found.filter { Self.hasExtension($0.imageName) || Self.isKnownWithoutExtension($0.imageName) }
        }
        guard found.count == 1, let row = found.first else { return nil }
        self = row
    }

    private static func row(_ words: [Range<Int>], in line: [UInt8], pidAt index: Int) -> TaskListRow? {
        guard let pid = line.decimalNumber(words[index]).flatMap({ UInt32(exactly: $0) }) else { return nil }
        // Blanks within a name are kept, however many.
        let name = Array(line[words[0].lowerBound..<words[index - 1].upperBound])
        let rest = words[(index + 1)...]
        var row = TaskListRow(imageName: name, pid: pid)
        if isSessionAndMemory(rest, line) {
            row.user = rest.lazy.compactMap { user(line[$0]) }.first
            return row
        }
        guard let last = rest.last, isServiceList(rest, line), hasExtension(name) || !rest.isEmpty else { return nil }
        guard hasExtension(name) || isKnownWithoutExtension(name) else { return nil }
        row.services = services(line[rest[rest.startIndex].lowerBound..<last.upperBound])
        row.listsServices = true
        return row
    }

    /// `Console 0 1,040,592 K`, and what `/V` has behind it.
    private static func isSessionAndMemory(_ words: ArraySlice<Range<Int>>, _ line: [UInt8]) -> Bool {
        guard let first = words.first else { return false }
        // A session's name is one word in every language, or empty.
        var rest = words
        if line.decimalNumber(first) == nil {
            guard isSessionName(line[first]) else { return false }
            rest = rest.dropFirst()
        }
        guard let session = rest.popFirst(), line.decimalNumber(session) != nil else { return false }
        var digits = 0
        while let word = rest.first, isGroupedNumber(line[word]) {
            digits += 1
            rest = rest.dropFirst()
        }
        guard digits > 0, let unit = rest.first else { return false }
        return !line[unit].contains(where: \.isDigit) && unit.count <= 8
    }

    private static func isSessionName(_ word: ArraySlice<UInt8>) -> Bool {
        !word.contains(UInt8(ascii: ",")) && !hasExtension(Array(word))
    }

    /// Digits, parted by points, commas, apostrophes or hard blanks (in UTF-8, or 0xA0 and 0xFF in code pages).
    private static func isGroupedNumber(_ word: ArraySlice<UInt8>) -> Bool {
        guard word.first?.isDigit == true else { return false }
        return word.allSatisfy {
            $0.isDigit || $0 >= 0x80 || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "'")
        }
    }

    /// All words but the last end in a comma.
    private static func isServiceList(_ words: ArraySlice<Range<Int>>, _ line: [UInt8]) -> Bool {
        guard !words.isEmpty else { return false }
        return words.dropLast().allSatisfy { line[$0.upperBound - 1] == UInt8(ascii: ",") }
            && words.allSatisfy { !line[$0].allSatisfy(\.isDigit) }
    }

    /// `.exe` and the like: what nearly every image's name ends in.
    static func hasExtension(_ name: [UInt8]) -> Bool {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let ending = name[(dot + 1)...]
        return (2...4).contains(ending.count) && ending.allSatisfy { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }
    }

    private static func isKnownWithoutExtension(_ name: [UInt8]) -> Bool {
        ["system", "system idle process", "secure system", "registry", "memory compression"]
            .contains(String(decoding: name, as: UTF8.self).lowercased())
    }
}
