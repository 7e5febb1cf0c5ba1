"""DICOM files, read with pydicom and its decoders.

A file passes through `dataset.parse` (elements), `dataset.check_kind` (is it a projection radiograph?),
`dataset.read_layout` (how its pixels are stored), `decoding.unpack` (stored samples) and
`pixels.render_grayscale` or `pixels.render_colour` (display values). `pixels.decode` does all of it.
"""
