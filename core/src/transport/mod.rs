//! Reliable, ordered streams in fixed memory (SPEC 5): acknowledgements, loss detection, round-trip time, congestion, timers.
