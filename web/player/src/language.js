// media-chrome speaks the page's language, not the browser's. Before any of its elements is defined.

import "media-chrome/dist/lang/de.js";
import { setLanguage } from "media-chrome/dist/utils/i18n.js";

setLanguage(document.documentElement.lang);
