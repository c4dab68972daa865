"""What is in a face: eyes, nose, mouth, skin, beard, and what is worn on it."""

from holonomy.faces.canvas import Canvas, Colour
from holonomy.faces.hair import shade
from holonomy.faces.head import GOLD, Head

_WHITE: Colour = (0.96, 0.96, 0.96)
_FRAME: Colour = (0.05, 0.05, 0.08)
_PUPIL: Colour = (0.12, 0.10, 0.12)


def paint_skin(canvas: Canvas, head: Head) -> None:
    """Cheeks, wrinkles of those who are not `Young`, and the shadow of a beard."""
    has = head.traits.__contains__
    if has("5_o_Clock_Shadow"):
        canvas.ellipse(head.x, head.y + 0.3, 0.78 * head.half_width, 0.2, (0.35, 0.36, 0.42), 0.45)
    for side in (-1, 1):
        x = head.x + side * 0.24
        if has("Rosy_Cheeks"):
            canvas.ellipse(x, head.y + 0.13, 0.1, 0.08, (0.95, 0.35, 0.4), 0.6)
        if has("High_Cheekbones"):
            canvas.arc(x, head.y + 0.06, 0.11, 0.05, 0.045, _WHITE, 0.55)
    if not has("Young"):
        for height in (0.24, 0.31):
            canvas.arc(head.x, head.y - height, 0.2, -0.02, 0.025, shade(head.skin, 0.6), 0.8)


def paint_eyes(canvas: Canvas, head: Head) -> None:
    """Eyes, brows, bags, eye shadow of `Heavy_Makeup`, and glasses."""
    has = head.traits.__contains__
    y = head.y - 0.08
    half_height = 0.022 if has("Narrow_Eyes") else 0.055
    for side in (-1, 1):
        x = head.x + side * 0.17
        if has("Heavy_Makeup"):
            canvas.ellipse(x, y - 0.045, 0.12, 0.075, (0.45, 0.2, 0.6), 0.75)
        if has("Bags_Under_Eyes"):
            canvas.arc(x, y + 0.11, 0.09, -0.04, 0.035, shade(head.skin, 0.55), 0.8)
        canvas.ellipse(x, y, 0.085, half_height, _WHITE)
        canvas.ellipse(x, y, 0.04, min(0.04, half_height), _PUPIL)
        canvas.arc(
            x,
            y - (0.19 if has("Arched_Eyebrows") else 0.13),
            0.11,
            0.09 if has("Arched_Eyebrows") else 0.01,
            0.085 if has("Bushy_Eyebrows") else 0.035,
            shade(head.hair, 0.7),
        )
        if has("Eyeglasses"):
            canvas.ring(x, y, 0.135, 0.035, _FRAME)
    if has("Eyeglasses"):
        canvas.block(head.x, y - 0.02, y + 0.01, 0.05, 0.05, _FRAME)


def paint_nose(canvas: Canvas, head: Head) -> None:
    """A nose, `Big_Nose` wide, `Pointy_Nose` long and narrow above its shadow."""
    big, pointy = "Big_Nose" in head.traits, "Pointy_Nose" in head.traits
    wide, bottom = (0.12 if big else 0.06), head.y + (0.19 if pointy else 0.13)
    canvas.block(head.x, head.y - 0.08, bottom, 0.02, 0.6 * wide if pointy else wide, shade(head.skin, 0.82))
    if pointy:
        canvas.ellipse(head.x, bottom, 0.03, 0.03, shade(head.skin, 0.55))
    else:
        canvas.arc(head.x, bottom, wide, -0.02, 0.03, shade(head.skin, 0.6))


def paint_mouth(canvas: Canvas, head: Head) -> None:
    """Lips: big, red with lipstick, bent up in a smile, open over teeth."""
    has = head.traits.__contains__
    y, bend = head.y + 0.28, (-0.09 if has("Smiling") else 0.01)
    colour: Colour = (0.85, 0.05, 0.15) if has("Wearing_Lipstick") else shade(head.skin, 0.68)
    thick = 0.11 if has("Big_Lips") else 0.055
    if has("Mouth_Slightly_Open"):
        canvas.arc(head.x, y, 0.17, bend, thick + 0.075, colour)
        canvas.arc(head.x, y, 0.13, 0.6 * bend, 0.065, (0.25, 0.05, 0.07))
        canvas.arc(head.x, y - 0.015, 0.11, 0.5 * bend, 0.025, _WHITE)
    else:
        canvas.arc(head.x, y, 0.17, bend, thick, colour)


def paint_beard(canvas: Canvas, head: Head) -> None:
    """Mustache and goatee, in the colour of the hair."""
    if "Mustache" in head.traits:
        canvas.arc(head.x, head.y + 0.2, 0.17, 0.03, 0.06, head.hair)
    if "Goatee" in head.traits:
        canvas.ellipse(head.x, head.y + 0.41, 0.11, 0.085, head.hair)


def paint_earrings(canvas: Canvas, head: Head) -> None:
    """A golden disc below each ear."""
    if "Wearing_Earrings" in head.traits:
        for side in (-1, 1):
            canvas.ellipse(head.x + side * (head.half_width + 0.02), head.y + 0.16, 0.055, 0.055, GOLD)
