"""The input side: token sets tested on what makes features fire."""
