"""OpenCV and Pillow on one 1920x1080 picture: median milliseconds per operation, with as many threads as the argument says (1)."""
import sys, time, numpy as np, cv2
from PIL import Image
cv2.setNumThreads(int(sys.argv[1]) if len(sys.argv)>1 else 1)
rng=np.random.default_rng(0); img=cv2.GaussianBlur(rng.integers(0,256,(1080,1920,3),dtype=np.uint8),(31,31),8)
img=cv2.normalize(img,None,0,255,cv2.NORM_MINMAX)
def t(name,f,n=20):
    f(); b=[]
    for _ in range(n):
        s=time.perf_counter(); f(); b.append(time.perf_counter()-s)
    print(f"{name}: {np.median(b)*1e3:.2f}")
lut=np.arange(256,dtype=np.uint8)[::-1].copy()
t("cv2 convertScaleAbs",lambda: cv2.convertScaleAbs(img,alpha=1.2,beta=-25.5))
t("cv2 LUT",lambda: cv2.LUT(img,lut))
def sat():
    h=cv2.cvtColor(img,cv2.COLOR_BGR2HSV); a,b,c=cv2.split(h); b=cv2.convertScaleAbs(b,alpha=1.2); cv2.cvtColor(cv2.merge((a,b,c)),cv2.COLOR_HSV2BGR)
t("cv2 saturation (HSV)",sat)
k=np.array([[0,-1,0],[-1,5,-1],[0,-1,0]],np.float32)
t("cv2 sharpen 3x3",lambda: cv2.filter2D(img,-1,k))
t("cv2 gaussian 5x5",lambda: cv2.GaussianBlur(img,(5,5),1))
t("cv2 median 5",lambda: cv2.medianBlur(img,5))
def unsharp(): cv2.addWeighted(img,1.3,cv2.GaussianBlur(img,(5,5),1.5),-.3,0)
t("cv2 unsharp",unsharp)
def clahe():
    lab=cv2.cvtColor(img,cv2.COLOR_BGR2LAB); l,a,b=cv2.split(lab); l=cv2.createCLAHE(2.0,(8,8)).apply(l); cv2.cvtColor(cv2.merge((l,a,b)),cv2.COLOR_LAB2BGR)
t("cv2 CLAHE (Lab)",clahe)
def wb():
    m=img.reshape(-1,3).mean(0); kk=m.mean(); cv2.merge([cv2.convertScaleAbs(c,alpha=kk/mm) for c,mm in zip(cv2.split(img),m)])
t("cv2 gray-world WB",wb)
t("cv2 resize INTER_AREA 384",lambda: cv2.resize(img,(384,216),interpolation=cv2.INTER_AREA))
t("cv2 resize LINEAR 64",lambda: cv2.resize(img,(64,64),interpolation=cv2.INTER_LINEAR))
pil=Image.fromarray(img)
def th():
    im=pil.copy(); im.thumbnail((384,384),Image.Resampling.LANCZOS)
t("PIL thumbnail lanczos 384",th)
t("PIL resize lanczos 384 (no reduce)",lambda: pil.resize((384,216),Image.Resampling.LANCZOS))
import io
b=io.BytesIO(); pil.save(b,"JPEG",quality=92); jb=b.getvalue()
t("PIL jpeg decode 1080p",lambda: Image.open(io.BytesIO(jb)).convert("RGB").load())
t("cv2 jpeg decode 1080p",lambda: cv2.imdecode(np.frombuffer(jb,np.uint8),1))
small=cv2.resize(img,(384,216),interpolation=cv2.INTER_AREA)
t("cv2 png encode 384",lambda: cv2.imencode(".png",small))
# Files for both sides: they lie in the folder that the second argument names.
import pathlib, tempfile
folder=pathlib.Path(sys.argv[2] if len(sys.argv)>2 else tempfile.mkdtemp())
(folder/"photo.jpg").write_bytes(jb)
grain=rng.integers(-8,9,(4000,6000,3),dtype=np.int16)
Image.fromarray(np.clip(cv2.resize(img,(6000,4000)).astype(np.int16)+grain,0,255).astype(np.uint8)).save(folder/"big.jpg",quality=92)
def draft():
    im=Image.open(folder/"big.jpg"); im.thumbnail((384,384),Image.Resampling.LANCZOS)
t("PIL jpeg draft+thumbnail 24 MP",draft)
t("cv2 jpeg reduced+area 24 MP",lambda: cv2.resize(cv2.imread(str(folder/"big.jpg"),cv2.IMREAD_REDUCED_COLOR_8),(384,256),interpolation=cv2.INTER_AREA))
t("cv2 jpeg decode 24 MP",lambda: cv2.imread(str(folder/"big.jpg")))
t("cv2 grey as three channels",lambda: cv2.cvtColor(cv2.cvtColor(img,cv2.COLOR_RGB2GRAY),cv2.COLOR_GRAY2RGB))
t("cv2 BGR2RGB",lambda: cv2.cvtColor(img,cv2.COLOR_BGR2RGB))
from PIL import ImageOps
t("PIL autocontrast",lambda: ImageOps.autocontrast(pil,cutoff=.5,preserve_tone=True))
t("cv2 box 5x5",lambda: cv2.blur(img,(5,5)))
t("cv2 median 3",lambda: cv2.medianBlur(img,3))
t("cv2 flip",lambda: cv2.flip(img,1))
t("numpy roll",lambda: np.roll(img,-960,1))
