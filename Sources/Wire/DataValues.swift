public import Cluster
public import Model
public import Placement
public import Tensors

/// What one worker is asked to compute for one batch in one layer.
///
/// A pair is a row and one of its experts; for every row the worker sums weight times output over
/// the row's pairs.
public struct Share: Equatable, Sendable {
    public let header: ShareHeader
    /// `[rowCount, width]`, in one form: plain where plain values are known, rounded otherwise.
    public let activations: Activations
    /// `[pairs]`, ascending; a row may appear in several pairs.
    public let pairRows: [UInt32]
    /// `[pairs]`, indices within the layer.
    public let pairExperts: [UInt32]
    /// `[pairs]`, gate weights.
    public let pairWeights: [Float]
    /// `[pairs]`, how each pair's expert may come where it is missing: 0 as it is in the file, 1 in
    /// fewer bits, 2 not at all; empty where it must come as it is.
    public let pairChoices: [UInt8]

    /// - Precondition: the activations are not empty and the lists are of one length.
    public init(
        id: ShareID,
        attempt: UInt32,
        epoch: Epoch,
        layer: LayerIndex,
        activations: Activations,
        pairRows: [UInt32],
        pairExperts: [UInt32],
        pairWeights: [Float],
        pairChoices: [UInt8] = []
    ) {
        precondition(
            activations.hasValues || activations.hasQuants,
            "a share of \(activations.rowCount) rows in no form"
        )
        precondition(
            pairRows.count == pairExperts.count && pairRows.count == pairWeights.count,
            "\(pairRows.count) rows, \(pairExperts.count) experts, \(pairWeights.count) weights"
        )
        header = ShareHeader(
            id: id,
            attempt: attempt,
            epoch: epoch,
            layer: layer,
            rowCount: activations.rowCount,
            width: activations.width,
            form: activations.hasValues ? .values : .quants,
            pairCount: pairRows.count,
            hasChoices: !pairChoices.isEmpty
        )
        self.activations = activations
        self.pairRows = pairRows
        self.pairExperts = pairExperts
        self.pairWeights = pairWeights
        self.pairChoices = pairChoices
    }
}

/// A share's answer: its rows' sums over the experts of one worker.
public struct PartialRows: Equatable, Sendable {
    public let header: PartialRowsHeader
    /// `[rowCount, width]`, multiples of 2^-36.
    public let values: [Double]
    /// `[rowCount, 2]`, experts that each row used in fewer bits, and went without; empty where the
    /// worker is not lossy.
    public let uses: [UInt32]

    /// - Precondition: the values are at least one row, and whole ones.
    public init(
        id: ShareID,
        attempt: UInt32,
        epoch: Epoch,
        layer: LayerIndex,
        width: Int,
        values: [Double],
        uses: [UInt32] = [],
        computeTime: Duration
    ) {
        precondition(
            width > 0 && values.count % width == 0,
            "\(values.count) values are no rows of \(width)"
        )
        header = PartialRowsHeader(
            id: id,
            attempt: attempt,
            epoch: epoch,
            layer: layer,
            rowCount: values.count / width,
            width: width,
            computeTime: computeTime,
            hasUses: !uses.isEmpty
        )
        self.values = values
        self.uses = uses
    }
}

/// What a share says of itself, before its rows.
public struct ShareHeader: Equatable, Sendable {
    /// How its activations are written.
    public enum Form: Equatable, Sendable {
        case values, quants
    }

    public let id: ShareID
    /// Counts from 1 for shares sent again.
    public let attempt: UInt32
    public let epoch: Epoch
    public let layer: LayerIndex
    public let rowCount: Int
    /// Values per row.
    public let width: Int
    public let form: Form
    public let pairCount: Int
    /// Whether each pair says what to do about its expert where that is missing.
    public let hasChoices: Bool

    /// - Precondition: there are rows and they have a width; one row, where there are choices.
    public init(
        id: ShareID,
        attempt: UInt32,
        epoch: Epoch,
        layer: LayerIndex,
        rowCount: Int,
        width: Int,
        form: Form,
        pairCount: Int,
        hasChoices: Bool = false
    ) {
        precondition(rowCount > 0 && width > 0, "a share of \(rowCount) rows of \(width)")
        precondition(rowCount == 1 || !hasChoices, "choices of \(rowCount) rows")
        self.id = id
        self.attempt = attempt
        self.epoch = epoch
        self.layer = layer
        self.rowCount = rowCount
        self.width = width
        self.form = form
        self.pairCount = pairCount
        self.hasChoices = hasChoices
    }
}

/// What an answer says of itself, before its rows.
public struct PartialRowsHeader: Equatable, Sendable {
    public let id: ShareID
    public let attempt: UInt32
    public let epoch: Epoch
    public let layer: LayerIndex
    public let rowCount: Int
    /// Values per row.
    public let width: Int
    /// From the arrival of the share to the last sum.
    public let computeTime: Duration
    /// Whether it says how each row used experts.
    public let hasUses: Bool

    /// - Precondition: there are rows and they have a width.
    public init(
        id: ShareID,
        attempt: UInt32,
        epoch: Epoch,
        layer: LayerIndex,
        rowCount: Int,
        width: Int,
        computeTime: Duration,
        hasUses: Bool = false
    ) {
        precondition(rowCount > 0 && width > 0, "an answer of \(rowCount) rows of \(width)")
        self.id = id
        self.attempt = attempt
        self.epoch = epoch
        self.layer = layer
        self.rowCount = rowCount
        self.width = width
        self.computeTime = computeTime
        self.hasUses = hasUses
    }
}

/// Why a worker did not compute a share.
public struct ShareRefused: Equatable, Sendable {
    public var id: ShareID
    public var attempt: UInt32
    public var code: ShareRefusalCode
    /// For people.
    public var text: String

    public init(id: ShareID, attempt: UInt32, code: ShareRefusalCode, text: String) {
        self.id = id
        self.attempt = attempt
        self.code = code
        self.text = text
    }
}

/// Experts that a layer which has not come is likely to ask for, to a worker that reads them from
/// disk.
///
/// It is not answered, and nothing but time depends on it.
public struct Hint: Equatable, Sendable {
    public var layer: LayerIndex
    /// As `ExpertRunner.foresee` has it.
    public var distance: Int
    /// Of each row the likeliest first; rows may name the same.
    public var experts: [UInt32]

    public init(layer: LayerIndex, distance: Int, experts: [UInt32]) {
        self.layer = layer
        self.distance = distance
        self.experts = experts
    }
}

/// Experts that coming work is expected to use most, to a worker that reads experts from disk.
///
/// Takes the place of the one before; nothing but time depends on it.
public struct Outlook: Equatable, Sendable {
    /// The most wanted first; `[expert]`.
    public let layers: [UInt32]
    /// Their indices in the layers; `[expert]`.
    public let indices: [UInt32]

    /// - Parameter experts: the most wanted first.
    public init(_ experts: [ExpertID]) {
        layers = experts.map { UInt32(clamping: $0.layer.rawValue) }
        indices = experts.map { UInt32(clamping: $0.index) }
    }

    init(layers: [UInt32], indices: [UInt32]) {
        self.layers = layers
        self.indices = indices
    }

    /// The same as they are named elsewhere; there may be none such.
    public var experts: [ExpertID] {
        zip(layers, indices).map { ExpertID(layer: LayerIndex(Int($0)), index: Int($1)) }
    }
}

/// Why the coordinator sends somebody away, on the control or the client socket.
public struct Refusal: Equatable, Sendable {
    public var code: RefusalCode
    /// For people: what is wrong and what to do.
    public var text: String

    public init(code: RefusalCode, text: String) {
        self.code = code
        self.text = text
    }
}
