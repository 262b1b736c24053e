import CProtobufC
import CWire
import Cluster

extension Heartbeat {
    init(_ raw: Moiety__V1__Heartbeat, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            sequence: raw.sequence,
            incarnation: Incarnation(rawValue: raw.incarnation),
            rowsComputed: raw.rows_computed,
            sharesComputed: raw.shares_computed,
            residentByteCount: raw.resident_byte_count,
            drops: reader.drops(raw.drops, count: raw.n_drops, "heartbeat.drops"),
            supply: SupplyCounts(raw.supply)
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Heartbeat> {
        unsafe writer.message(moiety__v1__heartbeat__init) { raw in
            unsafe raw.sequence = sequence
            unsafe raw.incarnation = incarnation.rawValue
            unsafe raw.rows_computed = rowsComputed
            unsafe raw.shares_computed = sharesComputed
            unsafe raw.resident_byte_count = residentByteCount
            unsafe raw.n_drops = drops.all.count
            unsafe raw.drops = writer.drops(drops)
            unsafe raw.supply = supply.raw(writer)
        }
    }
}

extension HeartbeatReply {
    init(_ raw: Moiety__V1__HeartbeatReply) {
        unsafe self.init(sequence: raw.sequence)
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__HeartbeatReply> {
        unsafe writer.message(moiety__v1__heartbeat_reply__init) { raw in
            unsafe raw.sequence = sequence
        }
    }
}

extension Goodbye {
    init(_ raw: Moiety__V1__Goodbye, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(reason: reader.text(raw.reason, "goodbye.reason"))
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Goodbye> {
        unsafe writer.message(moiety__v1__goodbye__init) { raw in
            unsafe raw.reason = writer.message(reason)
        }
    }
}
