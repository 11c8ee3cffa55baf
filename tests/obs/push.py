#!/usr/bin/env python3
"""Publishes from a real OBS Studio without a display, as a person would set it up: service
"Custom...", server and key, x264, key frames every 2 s.

    apt-get install obs-studio xvfb
    tests/obs/push.py rtmp://127.0.0.1:1935/live KEY SECONDS

The picture is a plain colour. OBS ends when the time is over.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

GLOBAL = """[General]
FirstRun=true
LastVersion=486539266
EnableAutoUpdates=false
[Basic]
Profile=Test
ProfileDir=Test
SceneCollection=Test
SceneCollectionFile=Test
ConfigOnNewProfile=false
[OBSWebSocket]
FirstLoad=false
ServerEnabled=false
"""

PROFILE = """[General]
Name=Test
[Video]
BaseCX=1280
BaseCY=720
OutputCX=1280
OutputCY=720
FPSCommon=30
[Output]
Mode=Simple
[SimpleOutput]
VBitrate=2500
ABitrate=128
StreamEncoder=x264
UseAdvanced=true
Preset=ultrafast
x264Settings=keyint=60
[Audio]
SampleRate=48000
"""

ITEM = {
    "name": "Colour", "id": 1, "visible": True, "pos": {"x": 0.0, "y": 0.0}, "scale": {"x": 1.0, "y": 1.0},
    "bounds": {"x": 0.0, "y": 0.0}, "rot": 0.0, "align": 5, "bounds_type": 0,
}
SCENES = {
    "name": "Test",
    "current_scene": "Scene",
    "current_program_scene": "Scene",
    "scene_order": [{"name": "Scene"}],
    "sources": [
        {"id": "scene", "name": "Scene", "settings": {"items": [ITEM], "id_counter": 1}},
        {"id": "color_source_v3", "name": "Colour", "settings": {"color": 4290772889, "width": 1280, "height": 720}},
    ],
}


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    server, key, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    with tempfile.TemporaryDirectory() as home:
        config = pathlib.Path(home, ".config/obs-studio")
        profile, scenes = config / "basic/profiles/Test", config / "basic/scenes"
        profile.mkdir(parents=True)
        scenes.mkdir(parents=True)
        (config / "global.ini").write_text(GLOBAL)
        (profile / "basic.ini").write_text(PROFILE)
        service = {"type": "rtmp_custom", "settings": {"server": server, "key": key, "use_auth": False}}
        (profile / "service.json").write_text(json.dumps(service))
        (scenes / "Test.json").write_text(json.dumps(SCENES))
        display = ":77"
        env = dict(
            os.environ, HOME=home, XDG_CONFIG_HOME=str(config.parent), XDG_RUNTIME_DIR=home, DISPLAY=display,
            LIBGL_ALWAYS_SOFTWARE="1",
        )
        xvfb = subprocess.Popen(["Xvfb", display, "-screen", "0", "1280x800x24"], stderr=subprocess.DEVNULL)
        time.sleep(1)
        arguments = ["--startstreaming", "--multi", "--profile", "Test", "--collection", "Test", "--disable-updater"]
        obs = subprocess.Popen(["obs", *arguments], env=env)
        try:
            obs.wait(seconds)
        except subprocess.TimeoutExpired:
            obs.send_signal(signal.SIGTERM)
            try:
                obs.wait(10)
            except subprocess.TimeoutExpired:
                obs.kill()
        finally:
            xvfb.terminate()


main()
