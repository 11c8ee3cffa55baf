// The quality menu: hands the levels of hls.js to media-chrome as the renditions of a video track.

import { MediaRenditionMenu } from "media-chrome/dist/menu/media-rendition-menu.js";

const lines = (rendition) => Math.min(rendition.width, rendition.height);

// Which rendition is the broadcaster's own, where it is offered as it is.
let source;

// There may be a rendition of the source's size beside it, for players that cannot decode it.
// Without the source itself, the tallest rendition is nearest to it.
MediaRenditionMenu.prototype.formatRendition = function (rendition) {
  const tallest = Math.max(...this.mediaRenditionList.map(lines));
  const label = `${lines(rendition)}p`;
  const original = source === undefined ? lines(rendition) === tallest : rendition.id === source;
  return original ? `${label} (source)` : label;
};

// Returns what takes the qualities away again.
export function offerQualities(video, hls, levels) {
  const track = video.addVideoTrack("main");
  track.selected = true;
  source = undefined;
  levels.forEach((level, index) => {
    const rendition = track.addRendition(
      level.url[0],
      level.width,
      level.height,
      level.videoCodec,
      level.bitrate,
      level.frameRate,
    );
    rendition.id = String(index);
    if (level.name === "source") source = rendition.id;
  });

  // -1 is Auto, to both sides. A choice by hand is not capped by the size of the player.
  const choose = () => {
    const chosen = video.videoRenditions.selectedIndex;
    hls.capLevelToPlayerSize = chosen < 0;
    if (hls.nextLevel !== chosen) hls.nextLevel = chosen;
  };
  video.videoRenditions.addEventListener("change", choose);
  return () => {
    video.videoRenditions.removeEventListener("change", choose);
    video.removeVideoTrack(track);
  };
}
