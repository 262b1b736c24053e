/// Until a test gives up that waits for others.
///
/// Only one that fails waits so long; under a sanitizer, on a machine that is busy with other
/// things, right answers take minutes.
public let testPatience = Duration.seconds(600)
