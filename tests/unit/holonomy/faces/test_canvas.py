import numpy as np
import pytest

from holonomy.faces.canvas import Canvas

SIZE = 64
WHITE = (1.0, 1.0, 1.0)


def covered(canvas: Canvas) -> float:
    """Area of what was painted in white on black, in units of length squared."""
    return float(canvas.pixels.mean()) * 4


@pytest.mark.parametrize(
    ("paint", "area"),
    [
        (lambda canvas: canvas.ellipse(0.1, -0.1, 0.5, 0.5, WHITE), np.pi * 0.25),
        (lambda canvas: canvas.ellipse(0, 0, 0.6, 0.4, WHITE), np.pi * 0.24),
        (lambda canvas: canvas.ellipse(1, 0, 0.5, 0.5, WHITE), np.pi * 0.125),
        (lambda canvas: canvas.ellipse(3, 3, 0.5, 0.5, WHITE), 0),
        (lambda canvas: canvas.ring(0, 0, 0.5, 0.2, WHITE), np.pi * (0.36 - 0.16)),
        (lambda canvas: canvas.block(0, -0.5, 0.5, 0.2, 0.6, WHITE), 0.8),
        (lambda canvas: canvas.arc(0, 0, 0.5, 0, 0.2, WHITE), 0.2),
        (lambda canvas: canvas.arc(0, 0, 0.5, 0.3, 0.2, WHITE, 0.5), 0.1),
    ],
)
def test_shapes_cover_their_area(paint, area: float) -> None:
    canvas = Canvas(SIZE)
    paint(canvas)
    assert covered(canvas) == pytest.approx(area, abs=0.03)


def test_an_arc_bends_down_at_its_ends() -> None:
    canvas = Canvas(SIZE)
    canvas.arc(0, 0, 0.5, 0.4, 0.1, WHITE)
    rows = canvas.pixels[:, :, 0].argmax(0)
    assert rows[SIZE // 2] == pytest.approx(SIZE / 2, abs=2)
    assert rows[int(0.74 * SIZE)] > SIZE / 2 + 8


def test_opacity_mixes_colours() -> None:
    canvas = Canvas(SIZE)
    canvas.fill((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    canvas.block(0, -1, 1, 1, 1, (1.0, 0.0, 0.5), 0.5)
    np.testing.assert_allclose(canvas.pixels[32, 32], [0.75, 0.25, 0.5], atol=1e-6)


def test_a_gradient_runs_from_top_to_bottom() -> None:
    canvas = Canvas(4)
    canvas.fill((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    np.testing.assert_allclose(canvas.pixels[:, 0, 0], [0.125, 0.375, 0.625, 0.875])


def test_blur_keeps_the_mean_and_flattens() -> None:
    canvas = Canvas(SIZE)
    canvas.ellipse(0, 0, 0.3, 0.3, WHITE)
    before = covered(canvas)
    edges = np.abs(np.diff(canvas.pixels, axis=0)).max()
    canvas.blur()
    assert covered(canvas) == pytest.approx(before, rel=1e-5)
    assert np.abs(np.diff(canvas.pixels, axis=0)).max() < edges / 1.5
