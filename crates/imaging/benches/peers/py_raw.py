"""LibRaw on the raw file that is named: prints the seconds in which it is read and developed to 16 bit."""
import sys, time, rawpy
start = time.perf_counter()
with rawpy.imread(sys.argv[1]) as raw:
    raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=16, demosaic_algorithm=rawpy.DemosaicAlgorithm.PPG)
print(time.perf_counter() - start)
