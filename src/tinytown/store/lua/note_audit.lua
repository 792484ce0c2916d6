-- Tells who changed what over the network.
-- A: type, at, text (one line for people).
return emit(A.type, A.at, {text = A.text})
