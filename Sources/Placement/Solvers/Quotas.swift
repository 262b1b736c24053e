/// How many experts of each layer each worker is to hold: by speed, as far as memory goes.
struct Quotas {
    /// `[layer][worker]`.
    let counts: [[Int]]

    /// - Throws: where the experts do not fit.
    init(
        expertCounts: [Int],
        byteCounts: [Int],
        rooms: [Int],
        speeds: [Double]
    ) throws(PlacementError) {
        let needed = zip(expertCounts, byteCounts).reduce(0) { $0 + $1.0 * $1.1 }
        let room = rooms.reduce(0) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
        guard needed <= room else { throw .noRoom(needed: needed, room: room) }
        let shares = Self.shares(rooms: rooms, speeds: speeds, needed: needed)
        var free = rooms
        var counts: [[Int]] = []
        // What each worker should have got so far, and has not; so that rounding evens out.
        var owed = Array(repeating: 0.0, count: rooms.count)
        for (layer, experts) in expertCounts.enumerated() {
            for worker in rooms.indices { owed[worker] += shares[worker] * Double(experts) }
            let bytes = byteCounts[layer]
            let most = free.map { bytes > 0 ? $0 / bytes : experts }
            var row = owed.indices.map { worker in
                min(max(0, Int(owed[worker].rounded(.down))), most[worker])
            }
            try Self.complete(&row, to: experts, layer: layer, owed: owed, most: most)
            for worker in rooms.indices {
                owed[worker] -= Double(row[worker])
                free[worker] -= row[worker] * bytes
            }
            counts.append(row)
        }
        self.counts = counts
    }

    /// Gives or takes single experts until the row sums to `experts`.
    private static func complete(
        _ row: inout [Int],
        to experts: Int,
        layer: Int,
        owed: [Double],
        most: [Int]
    ) throws(PlacementError) {
        var sum = row.reduce(0, +)
        while sum > experts {
            let worker = row.indices.filter { row[$0] > 0 }
                .min { owed[$0] - Double(row[$0]) < owed[$1] - Double(row[$1]) }
            guard let worker else { break }
            row[worker] -= 1
            sum -= 1
        }
        while sum < experts {
            let worker = row.indices.filter { row[$0] < most[$0] }.max {
                (owed[$0] - Double(row[$0]), $1) < (owed[$1] - Double(row[$1]), $0)
            }
            guard let worker else { throw .crowded(layer: layer) }
            row[worker] += 1
            sum += 1
        }
    }

    /// Each worker's part of all experts: proportional to speed, cut off where memory ends.
    private static func shares(rooms: [Int], speeds: [Double], needed: Int) -> [Double] {
        let limits = rooms.map { Double($0) / Double(max(1, needed)) }
        var shares = Array(repeating: 0.0, count: rooms.count)
        var open = Array(rooms.indices)
        var left = 1.0
        while !open.isEmpty, left > 0 {
            let speed = open.reduce(0) { $0 + speeds[$1] }
            let full = open.filter { limits[$0] <= left * speeds[$0] / speed }
            guard !full.isEmpty else {
                for worker in open { shares[worker] = left * speeds[worker] / speed }
                break
            }
            for worker in full {
                shares[worker] = limits[worker]
            }
            left = max(0, left - full.reduce(0) { $0 + limits[$1] })
            open.removeAll(where: full.contains)
        }
        return shares
    }
}
