"""What makes features fire: a corpus as documents, its partition, and the activations of every feature on it."""
