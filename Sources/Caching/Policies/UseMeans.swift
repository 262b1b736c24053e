/// How often each layer used its experts when it came, in three means of different memory.
struct UseMeans: Sendable {
    private let settings: ForecastSettings
    /// `[expert]`.
    private var means: [SIMD3<Double>]
    /// How often each layer came; `[place]`.
    private var visits: [Int]
    /// What the pass under way counts in each mean.
    private var rates = SIMD3<Double>.zero

    init(expertCount: Int, placeCount: Int, settings: ForecastSettings) {
        self.settings = settings
        means = Array(repeating: .zero, count: expertCount)
        visits = Array(repeating: 0, count: placeCount)
    }

    /// A layer comes: until they are used, its experts count as passed by.
    mutating func enter(place: Int, experts: Range<Int>) {
        visits[place] += 1
        // At first plain means of all tokens so far: nothing is known before them.
        let all = SIMD3(repeating: 1 / Double(visits[place]))
        rates = pointwiseMax(settings.rates, all)
        for expert in experts { means[expert] -= means[expert] * rates }
    }

    /// The layer uses one of them; once in a pass.
    mutating func use(_ expert: Int) { means[expert] += rates }

    /// The probability that its layer uses an expert when it comes next.
    func probability(of expert: Int) -> Double { (means[expert] * settings.shares).sum() }
}
