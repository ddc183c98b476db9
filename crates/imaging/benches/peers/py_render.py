"""OpenCV on the photo that the second argument names, with as many threads as the first says: reads names of operations and answers each
with the seconds of one run by the clock and of all processors together, or with nothing where OpenCV has no such operation."""
import sys, time, numpy as np, cv2
cv2.setNumThreads(int(sys.argv[1]))
img=cv2.imread(sys.argv[2])
lut=np.clip(255*(np.arange(256)/255)**(1/1.2),0,255).astype(np.uint8)
def saturation():
    h=cv2.cvtColor(img,cv2.COLOR_BGR2HSV); a,b,c=cv2.split(h); b=cv2.convertScaleAbs(b,alpha=1.2); return cv2.cvtColor(cv2.merge((a,b,c)),cv2.COLOR_HSV2BGR)
def grey_world():
    m=cv2.mean(img)[:3]; k=sum(m)/3; return cv2.merge([cv2.convertScaleAbs(c,alpha=k/mm) for c,mm in zip(cv2.split(img),m)])
def clahe():
    lab=cv2.cvtColor(img,cv2.COLOR_BGR2LAB); l,a,b=cv2.split(lab); l=cv2.createCLAHE(2.0,(8,8)).apply(l); return cv2.cvtColor(cv2.merge((l,a,b)),cv2.COLOR_LAB2BGR)
four=np.array([[0,-1,0],[-1,5,-1],[0,-1,0]],np.float32); eight=np.full((3,3),-1,np.float32); eight[1,1]=9
def detail(sigma,amount): return cv2.addWeighted(img,1+amount,cv2.GaussianBlur(img,(0,0),sigma),-amount,0)
def jpeg(): return cv2.imdecode(cv2.imencode(".jpg",img,[cv2.IMWRITE_JPEG_QUALITY,60])[1],1)
def turned():
    h,w=img.shape[:2]; return cv2.warpAffine(img,cv2.getRotationMatrix2D((w/2,h/2),2,1),(w,h))
work={
"lightness:20":lambda:cv2.convertScaleAbs(img,alpha=1,beta=20),"contrast:1.2":lambda:cv2.convertScaleAbs(img,alpha=1.2,beta=-25.5),
"gamma:1.2":lambda:cv2.LUT(img,lut),"exposure:0.5":lambda:cv2.LUT(img,lut),"shadows:0.3":lambda:cv2.LUT(img,lut),
"highlights:-0.3":lambda:cv2.LUT(img,lut),"haze:0.1":lambda:cv2.convertScaleAbs(img,alpha=.9,beta=23),"invert:rgb":lambda:cv2.bitwise_not(img),
"channels:bgr":lambda:cv2.cvtColor(img,cv2.COLOR_BGR2RGB),"greyscale:luminosity":lambda:cv2.cvtColor(cv2.cvtColor(img,cv2.COLOR_BGR2GRAY),cv2.COLOR_GRAY2BGR),
"saturation-hsv:1.2":saturation,"grey-world:1":grey_world,"clahe:2":clahe,"sharpen:1":lambda:cv2.filter2D(img,-1,four),
"sharpen-8:1":lambda:cv2.filter2D(img,-1,eight),"unsharp-mask:0.3":lambda:detail(1.5,.3),"clarity:0.3":lambda:detail(120,.3),
"blur:1":lambda:cv2.GaussianBlur(img,(7,7),1),"blur:7.9":lambda:cv2.GaussianBlur(img,(49,49),7.9),"blur:50":lambda:cv2.GaussianBlur(img,(301,301),50),
"box-blur:2":lambda:cv2.blur(img,(5,5)),"box-blur:50":lambda:cv2.blur(img,(101,101)),"median:1":lambda:cv2.medianBlur(img,3),
"median-blur:2":lambda:cv2.medianBlur(img,5),"median-blur:3":lambda:cv2.medianBlur(img,7),"median-blur:10":lambda:cv2.medianBlur(img,21),
"median-blur:20":lambda:cv2.medianBlur(img,41),"flip:horizontal":lambda:cv2.flip(img,1),"shift:left":lambda:np.roll(img,-3000,1),
"jpeg:60":jpeg,"level-horizon:10":turned,
}
for line in sys.stdin:
    f=work.get(line.strip())
    if f is None: print("",flush=True); continue
    start,busy=time.perf_counter(),time.process_time(); f(); print(time.perf_counter()-start,time.process_time()-busy,flush=True)
