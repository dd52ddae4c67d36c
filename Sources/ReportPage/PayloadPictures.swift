internal import Correlation
internal import Reporting

/// The first payload bytes of groups, a cell a byte.
struct PayloadPictures {
    private static let limit = 9
    private static let cellWidth = 36.0
    private static let cellsInRow = 8

    private let groups: [SenderGroup]

    init(_ report: IncidentReport) {
        groups = Array(report.groups.filter { !$0.payload.bytes.isEmpty }.prefix(Self.limit))
    }

    var members: [String: Any] {
        ["hasPayloads": !groups.isEmpty, "payloads": groups.enumerated().map { members($1, $0) }]
    }

    private func members(_ group: SenderGroup, _ number: Int) -> [String: Any] {
        let bytes = group.payload.bytes
        let columns = min(bytes.count, Self.cellsInRow)
        let rows = (bytes.count + Self.cellsInRow - 1) / Self.cellsInRow
        var members: [String: Any] = [
            "number": "\(number)", "name": group.senderText, "note": note(group),
            "width": Shown.place(Double(columns) * Self.cellWidth + 2), "height": "\(rows * 46 + 2)",
            "description": description(bytes), "cells": cells(bytes, number),
        ]
        if let tag = group.tagText { members["tag"] = tag }
        return members
    }

    private func note(_ group: SenderGroup) -> String {
        let packets = "\(Shown.count(group.packets)) packet\(group.packets == 1 ? "" : "s")"
        return
            "\(packets), payload of \(group.payload.lengthText)\(group.frames.first.map { ", frame \($0.frame)" } ?? "")"
    }

    private func cells(_ bytes: [(value: UInt8, varies: Bool)], _ number: Int) -> [[String: Any]] {
        bytes.enumerated().map { index, byte in
            let x = Double(index % Self.cellsInRow) * Self.cellWidth + 1
            let y = Double(index / Self.cellsInRow) * 46 + 1
            let hatched = ["x": Shown.place(x), "y": Shown.place(y), "pattern": "varies\(number)"]
            return [
                "x": Shown.place(x), "y": Shown.place(y), "middle": Shown.place(x + 17), "hexY": Shown.place(y + 17),
                "textY": Shown.place(y + 38), "hex": PayloadShape.hex(byte.value),
                "character": Self.character(byte.value),
                "varies": byte.varies ? [hatched] : [],
            ] as [String: Any]
        }
    }

    private func description(_ bytes: [(value: UInt8, varies: Bool)]) -> String {
        let texts = bytes.map { PayloadShape.hex($0.value) + ($0.varies ? " (varies)" : "") }
        return "First bytes in hexadecimal: " + texts.joined(separator: " ")
    }

    /// The byte as ASCII; a middle dot where it is none that prints.
    private static func character(_ byte: UInt8) -> String {
        (0x21...0x7E).contains(byte) ? String(UnicodeScalar(byte)) : "·"
    }
}
