// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of the house builds with.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let cSettings: [CSetting] = [
    .treatAllWarnings(as: .error),
    .enableWarning("all"),
    .enableWarning("extra"),
]

func swift(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func door(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

/// The tests of one target.
///
/// Fixtures are read from the source tree, not bundled.
func tests(
    of name: String,
    _ dependencies: [Target.Dependency] = [],
    leavingOut folders: [String] = []
) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: dependencies,
        exclude: folders,
        swiftSettings: swiftSettings
    )
}

func fuzzer(_ name: String) -> Target {
    .executableTarget(
        name: name,
        dependencies: ["Fuzzing", "CLibFuzzer"],
        path: "Fuzz/\(name)",
        swiftSettings: swiftSettings
    )
}

func system(_ name: String, apt packages: [String]) -> Target {
    .systemLibrary(name: name, providers: [.apt(packages)])
}

let arguments = Target.Dependency.product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let configuration = Target.Dependency.product(
    name: "Configuration",
    package: "swift-configuration"
)
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle",
    package: "swift-service-lifecycle"
)
/// Only the simulator's agenda needs it.
let heaps = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let database = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")

let package = Package(
    name: "moiety",
    products: [
        .executable(name: "moiety", targets: ["moiety"]),
        .executable(name: "moiety-coordinator", targets: ["moiety-coordinator"]),
        .executable(name: "moiety-worker", targets: ["moiety-worker"]),
        .executable(name: "moiety-solver", targets: ["moiety-solver"]),
        .executable(name: "moiety-bench", targets: ["moiety-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(
            url: "https://github.com/apple/swift-configuration",
            from: "1.4.0",
            traits: [.defaults, "YAML"]
        ),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle",
            from: "2.13.0"
        ),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird",
            from: "2.28.1",
            traits: []
        ),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    ],
    targets: [
        // Ground: C.
        .target(
            name: "CKernels",
            // Kernels are measured in tests too, so they are optimised in every configuration.
            cSettings: cSettings + [.unsafeFlags(["-O3", "-ffp-contract=off"])]
        ),
        .target(name: "CLinux", cSettings: cSettings),
        .target(name: "CWire", dependencies: ["CProtobufC"]),
        system("CZeroMQ", apt: ["libzmq3-dev"]),
        system("COpenBLAS", apt: ["libopenblas-dev"]),
        system("CProtobufC", apt: ["libprotobuf-c-dev"]),
        system("CPCRE2", apt: ["libpcre2-dev"]),
        system("CCbc", apt: ["coinor-libcbc-dev"]),
        system("CXXHash", apt: ["libxxhash-dev"]),

        // Floor 1: matter.
        swift("Tensors", ["CLinux"]),
        swift("Kernels", ["Tensors", "CKernels", "COpenBLAS", "CLinux"]),
        swift("GGUF", ["Tensors"]),
        swift("Messaging", ["CZeroMQ", "CLinux"]),
        swift("JSON"),

        // Floor 2: the words everyone shares.
        swift("Model", ["GGUF", "Tensors", crypto]),
        swift("Caching", ["Model"]),

        // Floor 3, left wing: tokens.
        swift("Tokenizer", ["Model", "CPCRE2"]),
        swift("Templates", ["JSON"]),
        swift("Inference", ["Model", "Kernels", "Tensors"]),
        swift("Storage", ["Model", "GGUF", "Tensors"]),
        swift("ExpertStore", ["Storage", "Model", "GGUF", "Kernels", "Tensors", "CXXHash"]),
        swift(
            "Experts",
            ["Caching", "ExpertStore", "Storage", "Model", "GGUF", "Kernels", "Tensors"]
        ),

        // Floor 3, right wing: plans.
        swift("Placement", ["Model"]),
        swift("Cluster", ["Model", "Placement"]),
        swift(
            "Wire",
            ["Cluster", "Placement", "Model", "Tensors", "Messaging", "CWire", "CProtobufC"]
        ),

        // Floor 4: engine and daemons.
        swift("Generation", ["Inference", "Tokenizer", "Model", "Kernels", "Tensors", crypto]),
        swift("Settings", ["Model", "Cluster", "Placement", configuration]),
        swift("Ledger", ["Messaging", database]),
        swift(
            "Worker",
            [
                "Caching", "Experts", "Storage", "Kernels", "Tensors", "Model", "GGUF",
                "Placement", "Cluster", "Wire", "Messaging", "Settings", logging, lifecycle,
            ]
        ),
        swift(
            "Coordinator",
            [
                "Ledger", "Caching",
                "Generation", "Inference", "Tokenizer", "Kernels", "Tensors", "Model", "GGUF",
                "Placement", "Cluster", "Wire", "Messaging", "Settings", logging, lifecycle,
            ]
        ),

        swift("Requests", ["Generation", "Inference", "Templates", "Wire", "JSON"]),
        swift(
            "API",
            [
                "Requests", "Coordinator", "Generation", "Inference", "Tokenizer", "Model",
                "Cluster", "Placement", "Templates", "Wire", "Messaging", "JSON", "Settings",
                hummingbird, hummingbirdCore, hummingbirdTLS, tls, nio, nioPosix, httpTypes,
                logging, lifecycle,
            ]
        ),

        swift("Solving", ["Placement"]),
        swift(
            "Diagnosis",
            ["Settings", "Messaging", "Cluster", "Placement", "Model", "Kernels", "GGUF", "CLinux"]
        ),

        // Measuring all of the above.
        swift(
            "Benchmarking",
            [
                "Generation", "Inference", "Experts", "ExpertStore", "Storage", "Tokenizer",
                "Kernels", "CKernels", "Tensors", "GGUF", "Model", "Caching", "Placement",
                "Cluster", "Wire", "Messaging", "CLinux",
            ]
        ),

        // Roof: front doors.
        swift("Terminal", ["Caching", "Experts", "Model", "Settings", "Storage", arguments]),
        door(
            "moiety",
            [
                "Generation", "Inference", "Experts", "Caching", "Kernels", "Tokenizer",
                "Templates", "GGUF", "Tensors", "Model", "Placement", "Solving", "Storage",
                "Cluster", "Wire",
                "Messaging", "Settings", "Diagnosis", "Terminal", arguments,
            ]
        ),
        door(
            "moiety-bench",
            [
                "Benchmarking", "Generation", "Inference", "Experts", "Storage", "Tokenizer",
                "Kernels", "Tensors", "GGUF", "Model", "Caching", "Placement", "Cluster", "Wire",
                "Settings", "Terminal", arguments,
            ]
        ),
        swift("Daemon", ["Messaging", "Settings", "CLinux", arguments, logging, lifecycle]),
        door(
            "moiety-coordinator",
            ["API", "Coordinator", "Daemon", "Messaging", "Settings", arguments]
        ),
        door("moiety-solver", ["CCbc", "Placement"]),
        door("moiety-worker", ["Worker", "Daemon", "Model", "Messaging", "Settings", arguments]),

        // Test support.
        .target(name: "CAllocations", cSettings: cSettings),
        swift(
            "ClusterTesting",
            [
                "Coordinator", "Worker", "Inference", "Experts", "ExpertStore", "Tokenizer",
                "Kernels", "Tensors", "GGUF", "Model", "Placement", "Cluster", "Wire", "Messaging",
                "Settings", logging, lifecycle,
            ]
        ),

        swift(
            "Fuzzing",
            [
                "Requests", "Generation", "Inference", "Experts", "Tokenizer", "Templates",
                "Kernels", "Tensors", "GGUF", "Model", "Placement", "Wire", "JSON",
            ]
        ),

        // Tests, floor by floor.
        tests(of: "House"),
        tests(of: "Tensors", ["Tensors"], leavingOut: ["Fixtures"]),
        tests(
            of: "Kernels",
            ["Kernels", "CKernels", "Tensors"],
            leavingOut: ["Fixtures"]
        ),
        tests(of: "GGUF", ["GGUF", "Tensors"], leavingOut: ["Fixtures"]),
        tests(of: "Messaging", ["Messaging"]),
        tests(
            of: "Model",
            ["Model", "Inference", "GGUF", "Tensors", "Kernels", "ClusterTesting"]
        ),
        tests(of: "Caching", ["Caching", "Model", "CAllocations"]),
        tests(of: "Tokenizer", ["Tokenizer", "Model"], leavingOut: ["Fixtures"]),
        tests(
            of: "Templates",
            ["Templates", "JSON"],
            leavingOut: ["Fixtures", "goldens.py", "cases.py", "chats.py"]
        ),
        tests(
            of: "Inference",
            [
                "Inference", "Generation", "Experts", "ExpertStore", "Storage", "Tokenizer",
                "Caching", "Model", "GGUF", "Tensors", "Kernels", "ClusterTesting", "CAllocations",
            ],
            leavingOut: ["Fixtures"]
        ),
        tests(
            of: "Experts",
            [
                "Experts", "Inference", "Model", "GGUF", "Tensors", "Kernels", "ClusterTesting",
            ]
        ),
        tests(of: "Storage", ["Storage", "Model", "Tensors", "ClusterTesting", crypto]),
        tests(
            of: "ExpertStore",
            ["ExpertStore", "Storage", "Model", "Tensors", "ClusterTesting"]
        ),
        tests(
            of: "Generation",
            [
                "Generation", "Inference", "Experts", "Tokenizer", "Model", "Tensors", "JSON",
                "Kernels", "ClusterTesting",
            ]
        ),
        tests(of: "Placement", ["Placement", "Model"]),
        tests(
            of: "Cluster",
            ["Cluster", "Placement", "Model", "CAllocations"],
            leavingOut: ["Scenarios"]
        ),
        tests(
            of: "Wire",
            [
                "Wire", "Cluster", "Placement", "Model", "Tensors", "Messaging", "ClusterTesting",
                "CAllocations",
            ],
            leavingOut: ["Fixtures"]
        ),
        tests(
            of: "Fuzzing",
            [
                "Fuzzing", "Inference", "Experts", "Kernels", "GGUF", "Model", "Tensors",
                "ClusterTesting",
            ]
        ),
        tests(of: "Solving", ["Solving", "Placement", "moiety-solver"]),
        tests(of: "Settings", ["Settings", "Model", "Cluster", "Placement"]),
        tests(
            of: "Diagnosis",
            ["Diagnosis", "Settings", "Messaging", "Kernels", "ClusterTesting"]
        ),
        tests(of: "Ledger", ["Ledger", "Messaging", database]),
        tests(
            of: "Benchmarking",
            [
                "Benchmarking", "Generation", "Inference", "Tokenizer", "Kernels", "Tensors",
                "GGUF", "Model", "Caching", "Placement", "ClusterTesting",
            ]
        ),
        tests(
            of: "Coordinator",
            [
                "Coordinator", "Worker", "Generation", "Inference", "Experts", "Tokenizer",
                "Kernels", "Model", "GGUF", "Storage", "Tensors", "Placement", "Cluster", "Wire",
                "Messaging", "Settings", "ClusterTesting", logging,
            ]
        ),
        tests(of: "JSON", ["JSON"]),
        tests(
            of: "API",
            [
                "API", "Cluster", "JSON", "Settings", "Wire", "ClusterTesting", logging, nio,
                nioPosix, tls,
            ],
            leavingOut: ["Fixtures"]
        ),
        tests(
            of: "Worker",
            [
                "Worker", "Caching", "Experts", "Storage", "Cluster", "Wire", "Messaging",
                "Model", "Placement", "Settings", "Kernels", "Tensors", "ClusterTesting",
                logging,
            ]
        ),
        tests(
            of: "Simulation",
            [
                "Coordinator", "Ledger", "Worker", "Generation", "Inference", "Experts",
                "Tokenizer",
                "Kernels", "Model", "Placement", "Cluster", "Wire", "Messaging", "Settings",
                "ClusterTesting", logging, heaps,
            ],
            leavingOut: ["Plants"]
        ),
        tests(
            of: "EndToEnd",
            [
                "moiety", "moiety-bench", "moiety-coordinator", "moiety-worker", "Cluster", "GGUF",
                "Model", "Storage",
                "Placement", "Messaging", "Tensors", "Tokenizer", "Wire", "ClusterTesting",
            ]
        ),
    ]
)

// `make fuzz` needs libFuzzer, which nothing else is to be linked with.
if Context.environment["MOIETY_FUZZ"] == "1" {
    package.targets.append(.systemLibrary(name: "CLibFuzzer", path: "Fuzz/CLibFuzzer"))
    package.targets += ["fuzz-gguf", "fuzz-wire", "fuzz-http", "fuzz-templates"].map(fuzzer)
}
