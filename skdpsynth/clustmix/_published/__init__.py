"""The mechanism as published, and the mixture of constrained sizes that it rests on."""
