#!/usr/bin/env bash
# The whole training on one bare GPU machine, in commands of under ten minutes, each going on where the last one ended.
#
#   training/mini/on_gpu.sh 1      packages, scenes, autoencoder
#   training/mini/on_gpu.sh 2      text encoders, first minutes of the denoiser
#   training/mini/on_gpu.sh 3      more of the denoiser: call it as often as there is time for
#   training/mini/on_gpu.sh 4      export, in pieces of at most 15 MB in $OUT
#   training/mini/on_gpu.sh 5      evaluation: figures and the sheet, in $OUT (again when it was cut off)
#
# Nothing is fetched: wheels that the machine lacks (diffusers, and what it needs) are taken from training/wheels when
# that folder is there. The last lines of 4 say what to do at home. TOY=1 rehearses 1 to 4 in minutes on a CPU.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
work=${WORK:-training/work}
out=${OUT:-training/work/out}
export PYTHONPATH="$PWD:$PWD/src" HF_HUB_OFFLINE=1
if [ -n "${TOY:-}" ]; then
  scenes=1000 vae=0.6 text=0.3 denoiser=1 sitting=0.4 processes=2
else
  scenes=120000 vae=6 text=2 denoiser=26 sitting=8 processes=$(nproc)
fi
step() { "$python" -m training.mini "$@" --work "$work"; }

case ${1:?which command, 1 to 5} in
  1)
    if [ -d training/wheels ]; then "$python" -m pip install --no-index --find-links training/wheels diffusers pydantic; fi
    step data --scenes "$scenes" --processes "$processes"
    step vae --minutes "$vae"
    ;;
  2)
    step text --minutes "$text"
    step denoiser --minutes "$denoiser" --sitting "$sitting"
    ;;
  3) step denoiser --minutes "$denoiser" --sitting "$sitting" ;;
  4)
    step export
    mkdir -p "$out"
    (cd "$work" && tar cf - illustrious-mini) | split -b 15000000 - "$out/illustrious-mini.tar."
    echo "At home: cat illustrious-mini.tar.* | tar x, and copy it over src/illustrious_studio/data/mini"
    ;;
  5)
    mkdir -p "$out"
    step evaluate --processes "$processes"
    cp "$work/sheet.png" "$work/evaluation.json" "$out/"
    ;;
  *) echo "1 to 5" >&2; exit 2 ;;
esac
