//! What is kept, for how long, and for whom.
