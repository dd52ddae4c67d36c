// swift-tools-version: 6.2
import PackageDescription

/// Swift 6 mode, and every warning is an error in our own targets.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "whosent",
    products: [.executable(name: "whosent", targets: ["whosent"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // Values only, at the bottom.
        .target(name: "TextEscaping", swiftSettings: settings),
        .target(name: "Records", dependencies: ["TextEscaping"], swiftSettings: settings),

        // Pure: bytes in, values out.
        .target(name: "PacketDecoding", dependencies: ["Records"], swiftSettings: settings),
        .target(
            name: "PcapNG",
            dependencies: ["Records", "TextEscaping", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: settings),
        .target(
            name: "Classification",
            dependencies: ["PacketDecoding", "Records", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: settings),
        .target(name: "Correlation", dependencies: ["Records"], swiftSettings: settings),

        // The edges: captures, kernel, evidence, procfs, output.
        .systemLibrary(name: "CLibPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CNCurses", providers: [.apt(["libncurses-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CLibBPF", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
        .target(
            name: "CAttributionEvents", path: "bpf",
            exclude: ["attribution.bpf.c", "lib", "LICENSE.GPL-2.0", "LICENSE.BSD-2-Clause"], sources: ["events.c"],
            publicHeadersPath: "include"),
        .target(name: "BPFObjects", swiftSettings: settings, plugins: ["BPFCompilePlugin"]),
        .plugin(
            name: "BPFCompilePlugin", capability: .buildTool(), dependencies: ["BPFEmbed"],
            path: "tools/BPFCompilePlugin"),
        .executableTarget(name: "BPFEmbed", path: "tools/BPFEmbed"),
        .target(
            name: "Probe",
            dependencies: [
                "BPFObjects", "CAttributionEvents", "CLibBPF", "CLinux", "PacketDecoding", "Records", "TextEscaping",
            ],
            swiftSettings: settings),
        .target(
            name: "Capture",
            dependencies: [
                "CLibPcap", "CZlib", "PcapNG", "PacketDecoding", "Records", "TextEscaping",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .target(
            name: "Evidence",
            dependencies: [
                "PcapNG", "PacketDecoding", "Records", "TextEscaping",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .target(
            name: "ProcessMetadata",
            dependencies: [
                "CLinux", "Records", "TextEscaping", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .target(
            name: "Reporting",
            dependencies: [
                "Classification", "Correlation", "PacketDecoding", "PcapNG", "Records", "TextEscaping",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),

        // The report as a page; the only output that needs templates.
        .target(
            name: "ReportPage",
            dependencies: [
                "Correlation", "Records", "Reporting", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            exclude: ["Page"], swiftSettings: settings, plugins: ["PageEmbedPlugin"]),
        .plugin(
            name: "PageEmbedPlugin", capability: .buildTool(), dependencies: ["PageEmbed"],
            path: "tools/PageEmbedPlugin"),
        .executableTarget(name: "PageEmbed", path: "tools/PageEmbed"),

        // What a report was made of, so that it can be checked.
        .target(
            name: "Audit",
            dependencies: [
                "PcapNG", "Records", "TextEscaping", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),

        .target(name: "CArguments"),
        .target(
            name: "Platform",
            dependencies: ["CArguments", "Records", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: settings),
        .target(name: "CTerminalRestore"),
        .target(name: "TerminalTable", dependencies: ["CNCurses", "CTerminalRestore"], swiftSettings: settings),
        .target(
            name: "WhosentCLI",
            dependencies: [
                "Audit",
                "Capture", "Classification", "Correlation", "Evidence", "PacketDecoding", "PcapNG", "Platform", "Probe",
                "ProcessMetadata", "Records", "ReportPage", "Reporting", "TerminalTable", "TextEscaping",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .executableTarget(name: "whosent", dependencies: ["WhosentCLI"], swiftSettings: settings),

        .target(name: "SeededRandomness", path: "Tests/SeededRandomness", swiftSettings: settings),
        .testTarget(name: "TextEscapingTests", dependencies: ["TextEscaping"], swiftSettings: settings),
        .testTarget(name: "RecordsTests", dependencies: ["Records"], swiftSettings: settings),
        .testTarget(
            name: "PacketDecodingTests", dependencies: ["PacketDecoding", "Records", "SeededRandomness"],
            swiftSettings: settings),
        .testTarget(
            name: "PcapNGTests",
            dependencies: [
                "PcapNG", "Records", "SeededRandomness", "TextEscaping",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ProbeTests",
            dependencies: ["CAttributionEvents", "CLinux", "PacketDecoding", "Probe", "Records"],
            swiftSettings: settings),
        .testTarget(
            name: "CaptureTests",
            dependencies: [
                "Capture", "PacketDecoding", "Records", "SeededRandomness",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "EvidenceTests",
            dependencies: [
                "Evidence", "PacketDecoding", "PcapNG", "Records", "SeededRandomness", "TextEscaping",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ProcessMetadataTests", dependencies: ["CLinux", "ProcessMetadata", "Records"],
            swiftSettings: settings),
        .testTarget(
            name: "ClassificationTests",
            dependencies: ["Classification", "PacketDecoding", "Records", "SeededRandomness"],
            swiftSettings: settings),
        .testTarget(
            name: "CorrelationTests", dependencies: ["Correlation", "Records", "SeededRandomness"],
            swiftSettings: settings),
        .testTarget(
            name: "ReportingTests",
            dependencies: [
                "Classification", "Correlation", "Evidence", "PacketDecoding", "PcapNG", "Records", "Reporting",
                "TextEscaping",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(name: "AuditTests", dependencies: ["Audit", "PcapNG", "Records"], swiftSettings: settings),
        .testTarget(
            name: "ReportPageTests",
            dependencies: [
                "ReportPage", "Reporting", "TextEscaping", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "WhosentCLITests",
            dependencies: [
                "Capture", "Classification", "Correlation", "Evidence", "PcapNG", "Records", "Reporting",
                "SeededRandomness", "WhosentCLI",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),

        // Through the real command: needs nothing of the library but the built binary.
        .testTarget(name: "LiveTests", dependencies: ["whosent"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
