//! From the bytes of an image file to a picture, whatever its format, depth, palette or turn.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use memchr::memmem;

use super::resize::Picture;
use crate::data::contained::contained;

/// What stands in the head of an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// E.g. `JPEG`.
    pub(super) format: &'static str,
    /// As it is to be looked at, turned where the file says so.
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) grey: bool,
    /// Whether channels have 16 bits.
    pub(super) deep: bool,
}

/// Why a file gives no picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is something else.
    NoImage(String),
    /// It is an image, but damaged; what was found.
    Damaged(String),
}

impl Unusable {
    pub(super) fn words(&self) -> &str {
        match self {
            Unusable::NoImage(what) | Unusable::Damaged(what) => what,
        }
    }
}

/// The formats that are read.
pub(super) const FORMATS: &str = "PNG, JPEG, WebP, BMP or GIF";

/// A decoded picture takes at most so many bytes: 170 megapixels in colour.
const LARGEST: u64 = 512 << 20;

/// Whether bytes begin as an image of a known format does.
pub(super) fn is_image(start: &[u8]) -> bool {
    format(start).is_ok()
}

fn format(bytes: &[u8]) -> Result<(ImageFormat, &'static str), Unusable> {
    if bytes.is_empty() {
        return Err(Unusable::Damaged("is empty".into()));
    }
    let other = |what: &str| Unusable::NoImage(format!("is {what}, not {FORMATS}"));
    match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => Ok((ImageFormat::Png, "PNG")),
        Ok(ImageFormat::Jpeg) => Ok((ImageFormat::Jpeg, "JPEG")),
        Ok(ImageFormat::WebP) => Ok((ImageFormat::WebP, "WebP")),
        Ok(ImageFormat::Bmp) => Ok((ImageFormat::Bmp, "BMP")),
        Ok(ImageFormat::Gif) => Ok((ImageFormat::Gif, "GIF")),
        Ok(known) => {
            let ending = known.extensions_str().first().copied().unwrap_or("another format");
            Err(other(&ending.to_uppercase()))
        }
        Err(_) if bytes.get(4..8) == Some(b"ftyp") => Err(other("HEIC or a film")),
        Err(_) => Err(Unusable::NoImage(format!("is no image: not {FORMATS}"))),
    }
}

/// A decoder that allocates no more than a picture may take, with what the head says.
fn decoder<'b>(
    bytes: &'b [u8],
) -> Result<(impl ImageDecoder + 'b, Head, image::metadata::Orientation), Unusable> {
    let (known, name) = format(bytes)?;
    let damaged = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => {
            let most = LARGEST >> 20;
            Unusable::Damaged(format!("would take more than {most} MiB when decoded"))
        }
        image::ImageError::IoError(error) => Unusable::Damaged(format!("is damaged: {error}")),
        error => Unusable::Damaged(format!("is damaged: {error}")),
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(LARGEST);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), known);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    limits.reserve(decoder.total_bytes()).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Unusable::Damaged(format!("is damaged: its size is {width} × {height}")));
    }
    // EXIF may be damaged where the picture is not.
    let orientation = match memmem::find(bytes, b"Exif").is_some() || known != ImageFormat::Jpeg {
        true => decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms),
        false => image::metadata::Orientation::NoTransforms,
    };
    let turned = orientation.to_exif() >= 5;
    let (width, height) = if turned { (height, width) } else { (width, height) };
    let colour = decoder.color_type();
    let head = Head {
        format: name,
        height: height as usize,
        width: width as usize,
        grey: !colour.has_color(),
        deep: colour.bytes_per_pixel() > colour.channel_count(),
    };
    Ok((decoder, head, orientation))
}

/// What the head of an image file says; `bytes` may be its beginning.
pub(super) fn head(bytes: &[u8]) -> Result<Head, Unusable> {
    contained(|| decoder(bytes).map(|(_, head, _)| head)).unwrap_or_else(panicked)
}

fn panicked<T>() -> Result<T, Unusable> {
    Err(Unusable::Damaged("is damaged".into()))
}

/// The picture of an image file, turned as EXIF says, in so many channels: 16 bits are rounded to 8,
/// what is transparent is laid on white, of a film the first picture is taken.
///
/// Whether anything was transparent is said, too.
pub(super) fn picture(bytes: &[u8], channels: usize) -> Result<(Picture, bool), Unusable> {
    let decoded = contained(|| {
        let (decoder, head, orientation) = decoder(bytes)?;
        if head.format == "JPEG" && !is_whole_jpeg(bytes) {
            return Err(Unusable::Damaged("is cut off: the end of the JPEG is missing".into()));
        }
        let mut decoded = DynamicImage::from_decoder(decoder)
            .map_err(|error| Unusable::Damaged(format!("is damaged: {error}")))?;
        decoded.apply_orientation(orientation);
        Ok(decoded)
    });
    let decoded = decoded.unwrap_or_else(panicked)?;
    let (height, width) = (decoded.height() as usize, decoded.width() as usize);
    let (decoded, transparent) = opaque(decoded);
    let bytes = in_channels(decoded, channels);
    Ok((Picture { height, width, channels, bytes }, transparent))
}

/// The picture laid on white, and whether that made a difference.
fn opaque(picture: DynamicImage) -> (DynamicImage, bool) {
    if !picture.color().has_alpha() {
        return (picture, false);
    }
    let picture = picture.into_rgba8();
    let transparent = picture.pixels().any(|pixel| pixel.0[3] < 255);
    let on_white = |value: u8, alpha: u8| {
        let alpha = u32::from(alpha);
        ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let mut laid = RgbImage::new(picture.width(), picture.height());
    for (to, from) in laid.pixels_mut().zip(picture.pixels()) {
        let [red, green, blue, alpha] = from.0;
        to.0 = [red, green, blue].map(|value| on_white(value, alpha));
    }
    (laid.into(), transparent)
}

/// Bytes of red, green and blue, or of grey.
fn in_channels(picture: DynamicImage, channels: usize) -> Vec<u8> {
    match (picture.color().has_color(), channels) {
        (true, 1) => grey(&picture.into_rgb8().into_raw()),
        (true, _) => picture.into_rgb8().into_raw(),
        (false, 1) => picture.into_luma8().into_raw(),
        (false, _) => picture.into_luma8().into_raw().iter().flat_map(|&grey| [grey; 3]).collect(),
    }
}

/// The brightness of colours, by the weights of ITU-R BT.601.
fn grey(colours: &[u8]) -> Vec<u8> {
    let brightness = |pixel: &[u8]| match *pixel {
        [red, green, blue] => {
            let [red, green, blue] = [red, green, blue].map(u32::from);
            ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
        }
        _ => 0,
    };
    colours.chunks_exact(3).map(brightness).collect()
}

/// Whether the mark of the end follows the picture's own data: decoders fill up what is missing of a
/// JPEG that was cut off.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut at = 2;
    // Segments up to the start of scan; a picture in EXIF, which has an end of its own, is in one.
    while let Some(&[0xFF, marker]) = bytes.get(at..at + 2) {
        match marker {
            0xDA => return memmem::find(&bytes[at..], &[0xFF, 0xD9]).is_some(),
            0xFF => at += 1,
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
        }
    }
    // Something odd lies between the segments: it is the decoder's to judge.
    memmem::rfind(bytes, &[0xFF, 0xD9]).is_some()
}
